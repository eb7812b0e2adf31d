import t from 'tap';
import { parseConfig } from '../../config/load.ts';
import { DEFAULT_RULES } from '../../src/call/correlate.ts';
import { DEFAULT_POLICY } from '../../src/delivery/policy.ts';

const config = parseConfig(
  "[[source]]\ntype = 'asterisk'\nname = 'a'\nusername = 'u'\n[leadsquared]\nhost = 'api-in21.leadsquared.com'",
  '/etc/logcalld/logcalld.toml',
);

t.test('the file and the core agree on the defaults of calls and delivery', async (t) => {
  const { limit, lead, user, uncertain, retry } = config.leadsquared;
  t.same(
    {
      graceMs: config.calls.close_grace,
      externalGoneMs: config.calls.external_gone_timeout,
      agent: config.calls.agent,
      missed: config.calls.missed,
      maxAgeMs: config.calls.max_call_age,
    },
    DEFAULT_RULES,
  );
  t.same(
    {
      requests: limit.requests,
      windowMs: limit.window,
      guardMs: limit.guard,
      strict: limit.strict,
      concurrency: limit.concurrency,
      perDay: limit.daily_cap === 0 ? null : limit.daily_cap,
    },
    DEFAULT_POLICY.limit,
  );
  t.equal(limit.live_for, DEFAULT_POLICY.liveForMs);
  t.same(
    {
      formats: lead.lookup_formats,
      posted: config.leadsquared.body.number_format,
      // The file names the CRM, the core has no name for it.
      unknown: lead.unknown.replace('leadsquared', 'crm'),
      anonymous: lead.anonymous,
      several: lead.several,
      source: lead.capture_source,
      hitMaxAgeMs: lead.found_age,
      missMaxAgeMs: lead.missing_age,
    },
    DEFAULT_POLICY.lead,
  );
  t.same(
    [user.unknown, user.default_user, user.refresh],
    [DEFAULT_POLICY.user.unknown, DEFAULT_POLICY.user.defaultUser, DEFAULT_POLICY.user.refreshMs],
  );
  t.same([uncertain.policy, uncertain.wait], [DEFAULT_POLICY.uncertain, DEFAULT_POLICY.verifyAfterMs]);
  t.same({ baseMs: retry.base, capMs: retry.cap, maxAttempts: retry.max_attempts }, DEFAULT_POLICY.retry);
  t.same([config.filters.internal, config.filters.max_age], [DEFAULT_POLICY.internal, DEFAULT_POLICY.maxAgeMs]);
});
