import { Share } from '../components/share';

export default function Page() {
  return <Share />;
}
