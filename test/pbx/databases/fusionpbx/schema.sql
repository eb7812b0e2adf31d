-- The tables of FusionPBX 5.5 that records are read from, as its schema makes them in PostgreSQL (app/xml_cdr/app_config.php). Columns
-- that nobody reads are left out but for some, so that a row is more than what is asked for.
CREATE TABLE v_extensions (
  extension_uuid uuid PRIMARY KEY,
  domain_uuid uuid,
  extension text,
  number_alias text,
  password text
);
CREATE TABLE v_xml_cdr (
  xml_cdr_uuid uuid PRIMARY KEY,
  domain_uuid uuid,
  extension_uuid uuid,
  domain_name text,
  accountcode text,
  direction text,
  default_language text,
  context text,
  caller_id_name text,
  caller_id_number text,
  caller_destination text,
  source_number text,
  destination_number text,
  start_epoch numeric,
  start_stamp timestamptz,
  answer_stamp timestamptz,
  answer_epoch numeric,
  end_epoch numeric,
  end_stamp timestamptz,
  duration numeric,
  bridge_uuid text,
  record_path text,
  record_name text,
  leg char(1),
  originating_leg_uuid uuid,
  last_app text,
  last_arg text,
  voicemail_message boolean,
  missed_call boolean,
  cc_side text,
  cc_queue text,
  cc_member_session_uuid uuid,
  cc_agent_uuid uuid,
  cc_agent text,
  cc_queue_answered_epoch numeric,
  conference_uuid uuid,
  hangup_cause text,
  hangup_cause_q850 numeric,
  sip_hangup_disposition text,
  xml text,
  json jsonb,
  insert_date timestamptz,
  insert_user uuid
);
CREATE INDEX ON v_xml_cdr (domain_uuid);
CREATE INDEX ON v_xml_cdr (start_stamp);
CREATE TABLE v_xml_cdr_json (
  xml_cdr_json_uuid uuid PRIMARY KEY,
  domain_uuid uuid,
  xml_cdr_uuid uuid,
  start_stamp timestamptz,
  json jsonb
);
CREATE INDEX ON v_xml_cdr_json (xml_cdr_uuid);
GRANT SELECT ON v_xml_cdr, v_xml_cdr_json, v_extensions TO logcalld;
