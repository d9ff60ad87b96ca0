import {
  BigValueGraphMode,
  LegendDisplayMode,
  LegendPlacement,
  TooltipDisplayMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
} from '@grafana/grafana-foundation-sdk/common';
import {
  DashboardBuilder,
  DatasourceVariableBuilder,
  ThresholdsConfigBuilder,
  ThresholdsMode,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as TimeseriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';

/** One line, or family of lines, of a panel. */
export interface Line {
  /** PromQL; `$__rate_interval` is Grafana's: four scrapes or more. */
  readonly query: string;
  readonly name: string;
}

export interface PanelPlan {
  readonly title: string;
  readonly about: string;
  /** Grafana's name of it. */
  readonly unit: string;
  readonly kind: 'lines' | 'numbers';
  readonly lines: readonly Line[];
  /** Where the alert begins, drawn as a threshold. */
  readonly alertAbove?: number;
}

const rate = (series: string) => `rate(${series}[$__rate_interval])`;
const p95 = (histogram: string, by = '') =>
  `histogram_quantile(0.95, sum by (le${by}) (${rate(`${histogram}_bucket`)}))`;
const failures = `sum(${rate('aparte_errors_total{code=~"internal|overloaded"}')})`;
const requests = `(sum(${rate('aparte_frames_received_total')}) + sum(${rate('aparte_calls_total')}))`;

/** What an operator looks at, the summary first. */
export const panels: readonly PanelPlan[] = [
  {
    title: 'Summary',
    about: 'The whole cluster now.',
    unit: 'short',
    kind: 'numbers',
    lines: [
      { name: 'Nodes up', query: 'sum(up{job="aparte"})' },
      { name: 'Devices connected', query: 'sum(aparte_connections)' },
      { name: 'People connected', query: 'sum(aparte_connected_users)' },
      { name: 'Messages/s', query: `sum(${rate('aparte_messages_stored_total{slot="log"}')})` },
      { name: 'Deliveries/s', query: `sum(${rate('aparte_frames_sent_total{type="message"}')})` },
      { name: 'Fan-out p95, ms', query: `1000 * ${p95('aparte_fanout_seconds')}` },
      { name: 'Failed, %', query: `100 * ${failures} / ${requests}` },
      { name: 'Redis links up', query: 'sum(aparte_redis_link_up)' },
    ],
  },
  {
    title: 'Connections',
    about: 'Devices connected, by node.',
    unit: 'short',
    kind: 'lines',
    lines: [{ name: '{{instance}}', query: 'sum by (instance) (aparte_connections)' }],
  },
  {
    title: 'Connection rate',
    about: 'Connections opened, ended and refused.',
    unit: 'cps',
    kind: 'lines',
    lines: [
      { name: 'opened', query: `sum(${rate('aparte_connections_opened_total')})` },
      {
        name: 'ended: {{reason}}',
        query: `sum by (reason) (${rate('aparte_connections_closed_total')}) > 0`,
      },
      {
        name: 'refused: {{reason}}',
        query: `sum by (reason) (${rate('aparte_upgrades_refused_total')}) > 0`,
      },
    ],
  },
  {
    title: 'Fan-out p95',
    about: 'From commit to the writing to a socket, and from the sender’s frame to it.',
    unit: 's',
    kind: 'lines',
    alertAbove: 0.3,
    lines: [
      { name: 'from commit', query: p95('aparte_fanout_seconds') },
      { name: 'from sender', query: p95('aparte_delivery_seconds') },
    ],
  },
  {
    title: 'Throughput',
    about: 'Messages committed, and frames written and read.',
    unit: 'ops',
    kind: 'lines',
    lines: [
      { name: 'messages committed', query: `sum(${rate('aparte_messages_stored_total')})` },
      { name: 'frames written', query: `sum(${rate('aparte_frames_sent_total')})` },
      { name: 'frames read', query: `sum(${rate('aparte_frames_received_total')})` },
    ],
  },
  {
    title: 'Errors',
    about: 'Answers that were errors, by code. internal and overloaded are the node’s failures.',
    unit: 'ops',
    kind: 'lines',
    lines: [
      { name: '{{code}}', query: `sum by (code) (${rate('aparte_errors_total')}) > 0` },
      { name: 'failures', query: failures },
    ],
  },
  {
    title: 'Memory',
    about: 'Resident memory of each process.',
    unit: 'bytes',
    kind: 'lines',
    alertAbove: 1e9,
    lines: [{ name: '{{instance}} {{worker}}', query: 'process_resident_memory_bytes{job="aparte"}' }],
  },
  {
    title: 'CPU',
    about: 'Share of one core that each process uses; a process cannot use more than one for its frames.',
    unit: 'percentunit',
    kind: 'lines',
    alertAbove: 0.8,
    lines: [{ name: '{{instance}} {{worker}}', query: rate('process_cpu_seconds_total{job="aparte"}') }],
  },
  {
    title: 'Database p95',
    about: 'Statements by kind; commit is the one that stores messages.',
    unit: 's',
    kind: 'lines',
    lines: [{ name: '{{statement}}', query: `${p95('aparte_database_query_seconds', ', statement')} >= 0` }],
  },
  {
    title: 'Encryption p95',
    about: 'On the devices of people who agreed to tell.',
    unit: 's',
    kind: 'lines',
    lines: [
      { name: 'encrypt', query: p95('aparte_client_encryption_seconds') },
      { name: 'decrypt', query: p95('aparte_client_decryption_seconds') },
    ],
  },
];

/** Grafana's own placeholder for the variable below. */
const source = { type: 'prometheus', uid: ['$', '{datasource}'].join('') };

/** The dashboard as Grafana loads it. */
export function dashboard() {
  const builder = new DashboardBuilder('Aparté')
    .uid('aparte')
    .description('Made by deploy/grafana/dashboard.ts: npm run dashboard.')
    .tags(['aparte'])
    .timezone('browser')
    .refresh('10s')
    .time({ from: 'now-1h', to: 'now' })
    .withVariable(new DatasourceVariableBuilder('datasource').label('Prometheus').type('prometheus'));
  for (const plan of panels) builder.withPanel(panelOf(plan));
  return builder.build();
}

function panelOf(plan: PanelPlan) {
  if (plan.kind === 'numbers') {
    const panel = new StatBuilder().graphMode(BigValueGraphMode.Area);
    return common(panel, plan).height(5).span(24);
  }
  const panel = new TimeseriesBuilder()
    .min(0)
    .fillOpacity(10)
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi))
    .legend(
      new VizLegendOptionsBuilder()
        .displayMode(LegendDisplayMode.List)
        .placement(LegendPlacement.Bottom)
        .showLegend(true),
    );
  return common(panel, plan).height(8).span(8);
}

function common<Panel extends StatBuilder | TimeseriesBuilder>(panel: Panel, plan: PanelPlan): Panel {
  panel.title(plan.title).description(plan.about).unit(plan.unit).datasource(source);
  const steps = [{ value: null, color: 'green' }];
  panel.thresholds(
    new ThresholdsConfigBuilder()
      .mode(ThresholdsMode.Absolute)
      .steps(plan.alertAbove === undefined ? steps : [...steps, { value: plan.alertAbove, color: 'red' }]),
  );
  plan.lines.forEach((line, index) => {
    panel.withTarget(
      new DataqueryBuilder()
        .refId(String.fromCharCode(65 + index))
        .datasource(source)
        .expr(line.query)
        .legendFormat(line.name),
    );
  });
  return panel;
}
