import { NewConversation } from '../components/new-conversation';

export default function Page() {
  return <NewConversation />;
}
