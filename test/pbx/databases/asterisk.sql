-- Tables for cdr_pgsql and cel_pgsql: cdr as Asterisk's own contrib/ast-db-manage makes it, cel as its manual gives it.
CREATE ROLE logcalld LOGIN PASSWORD 'only-for-tests';
CREATE ROLE asteriskuser LOGIN PASSWORD 'only-for-tests';
CREATE TABLE cdr (
  accountcode varchar(80),
  src varchar(80),
  dst varchar(80),
  dcontext varchar(80),
  clid varchar(80),
  channel varchar(80),
  dstchannel varchar(80),
  lastapp varchar(80),
  lastdata varchar(80),
  "start" timestamp,
  answer timestamp,
  "end" timestamp,
  duration integer,
  billsec integer,
  disposition varchar(45),
  amaflags varchar(45),
  userfield varchar(256),
  uniqueid varchar(150),
  linkedid varchar(150),
  peeraccount varchar(80),
  sequence integer,
  did varchar(50),
  recordingfile varchar(255)
);
CREATE TABLE cel (
  id serial PRIMARY KEY,
  eventtype varchar(30) NOT NULL,
  eventtime timestamp NOT NULL,
  userdeftype varchar(255) NOT NULL,
  cid_name varchar(80) NOT NULL,
  cid_num varchar(80) NOT NULL,
  cid_ani varchar(80) NOT NULL,
  cid_rdnis varchar(80) NOT NULL,
  cid_dnid varchar(80) NOT NULL,
  exten varchar(80) NOT NULL,
  context varchar(80) NOT NULL,
  channame varchar(80) NOT NULL,
  appname varchar(80) NOT NULL,
  appdata varchar(1024) NOT NULL,
  amaflags integer NOT NULL,
  accountcode varchar(20) NOT NULL,
  peeraccount varchar(20) NOT NULL,
  uniqueid varchar(150) NOT NULL,
  linkedid varchar(150) NOT NULL,
  userfield varchar(255) NOT NULL,
  peer varchar(80) NOT NULL,
  extra text
);
GRANT SELECT ON cdr, cel TO logcalld;
GRANT ALL ON cdr, cel, cel_id_seq TO asteriskuser;
