/** All metrics of the daemon. Labels have few values, all of them from the config or from this program: never a number, user or call. */
import type { Family } from './family.ts';

const family =
  (type: Family['type']) =>
  <const N extends string>(name: N, labels: readonly string[], help: string): Family & { readonly name: N } => ({
    ...{ name, type, labels, help },
  });
const counter = family('counter');
const gauge = family('gauge');
const histogram = family('histogram');

const program = {
  build: gauge('logcalld_build_info', ['version', 'node'], 'Always 1: what runs'),
  events: counter('logcalld_events_total', ['event'], 'Entries of the log, shown or not, by their field event'),
  condition: gauge('logcalld_condition', ['code', 'severity', 'pbx'], '1 for each condition that status shows now'),
};

const pbx = {
  connected: gauge('logcalld_pbx_connected', ['pbx'], '1 while the PBX is heard: the link stands, and it is not deaf'),
  problem: gauge('logcalld_pbx_problem', ['pbx'], '1 while it is heard and something is wrong that status tells'),
  lost: counter('logcalld_pbx_disconnects_total', ['pbx'], 'Links that were lost'),
  frames: counter('logcalld_pbx_frames_total', ['pbx'], 'Packets of the PBX'),
  unknown: counter('logcalld_pbx_unknown_events_total', ['pbx'], 'Events that logcalld has no use for'),
  faults: counter('logcalld_pbx_frame_faults_total', ['pbx'], 'Packets that could not be read, each left out alone'),
  lastFrame: gauge('logcalld_pbx_last_frame_timestamp_seconds', ['pbx'], 'When anything came last'),
  ahead: gauge('logcalld_pbx_clock_offset_seconds', ['pbx'], 'How far the clock of the PBX is ahead'),
  gap: gauge(
    'logcalld_pbx_last_gap_timestamp_seconds',
    ['pbx', 'state'],
    'When the last gap in this state ended, or began if open',
  ),
};

const calls = {
  active: gauge('logcalld_calls_active', ['pbx'], 'Calls that go on'),
  ended: counter('logcalld_calls_total', ['pbx', 'direction', 'status'], 'Calls that were stored'),
  latency: histogram(
    'logcalld_call_latency_seconds',
    [],
    'From the end of a call until LeadSquared has it, without replays',
  ),
  deliveries: gauge('logcalld_deliveries', ['state'], 'Calls that are kept, by what became of them'),
  oldest: gauge('logcalld_deliveries_oldest_seconds', [], 'Since the end of the oldest call on its way; 0: none is'),
};

const crm = {
  available: gauge('logcalld_crm_available', [], '1 while LeadSquared takes lookups and posts'),
  paused: gauge('logcalld_crm_paused', [], '1 after logcalld pause'),
  requests: counter('logcalld_crm_requests_total', ['operation', 'outcome'], 'What LeadSquared was asked for'),
  seconds: histogram('logcalld_crm_request_duration_seconds', ['operation'], 'How long LeadSquared took'),
  users: gauge('logcalld_crm_users', [], 'Users of LeadSquared that are known'),
  usersAt: gauge('logcalld_crm_users_last_success_timestamp_seconds', [], 'When they were fetched last'),
};

const limit = {
  allowed: gauge('logcalld_limit_requests', [], 'Requests allowed in a window now'),
  configured: gauge('logcalld_limit_requests_configured', [], 'The same by the config'),
  window: gauge('logcalld_limit_window_seconds', [], 'Length of the window now'),
  used: gauge('logcalld_limit_requests_used', [], 'Of those allowed, taken now'),
  today: gauge('logcalld_limit_requests_today', [], 'Requests of this UTC day'),
  waiting: gauge('logcalld_limit_waiting', ['priority'], 'Requests that wait for their turn'),
  wait: histogram('logcalld_limit_wait_seconds', [], 'How long requests waited for their turn'),
};

const storage = {
  up: gauge(
    'logcalld_database_up',
    [],
    '1 if the database answered this scrape in time; else what it knows is left out',
  ),
  pending: gauge('logcalld_journal_pending_bytes', [], 'Heard and not stored yet'),
  size: gauge('logcalld_database_size_bytes', [], 'The database'),
  wal: gauge('logcalld_database_wal_size_bytes', [], 'Its log'),
  disk: gauge('logcalld_storage_size_bytes', [], 'The file system of the database'),
  free: gauge('logcalld_storage_available_bytes', [], 'What of it is left for logcalld'),
  backupAt: gauge('logcalld_backup_last_success_timestamp_seconds', [], 'When the last daily backup was made'),
  backupSize: gauge('logcalld_backup_size_bytes', [], 'Its size'),
};

const runtime = {
  started: gauge('process_start_time_seconds', [], 'When the process began'),
  cpu: counter('process_cpu_seconds_total', [], 'CPU time, all threads'),
  memory: gauge('process_resident_memory_bytes', [], 'Resident memory'),
  heap: gauge('nodejs_heap_size_used_bytes', [], 'JavaScript heap in use'),
  lag: gauge('nodejs_eventloop_lag_seconds', [], 'How late the event loop was at this scrape'),
  busy: counter('nodejs_eventloop_active_seconds_total', [], 'Time in which the event loop did not wait'),
};

export const METRICS = { program, pbx, calls, crm, limit, storage, runtime };

/** All of them, in order. */
export const FAMILIES: readonly Family[] = Object.values(METRICS).flatMap((group) => Object.values<Family>(group));
