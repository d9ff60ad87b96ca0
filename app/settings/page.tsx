import { Settings } from '../components/settings';

export default function Page() {
  return <Settings />;
}
