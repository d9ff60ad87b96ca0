import { Conversation } from '../components/conversation-page';

export default function Page() {
  return <Conversation />;
}
