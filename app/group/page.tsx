import { GroupDetails } from '../components/group-details';

export default function Page() {
  return <GroupDetails />;
}
