-- Puts a name wherever people, machines or other systems may have put one.
INSERT INTO person (site_id, pseudonym, name) VALUES (%(site)s, 'p1', %(name)s);
INSERT INTO account (name, kind) VALUES (%(name)s, 'person');
INSERT INTO attachment (site_id, sha256, file_name, content)
VALUES (%(site)s, sha256(convert_to(%(name)s, 'UTF8')), %(name)s, convert_to(%(name)s, 'UTF8'));
UPDATE reason SET name_vi = %(name)s, name_en = %(name)s WHERE site_id = %(site)s;
INSERT INTO event (site_id, asset_id, ts, kind, key, payload)
SELECT site_id, asset_id, %(at)s, happened, 'E1', %(said)s
FROM asset, unnest(ARRAY['alarm', 'stop_reason', 'production_run']) AS happened WHERE site_id = %(site)s AND key = %(machine)s;
INSERT INTO annotation (site_id, asset_id, from_ts, to_ts, note, account_id, reason_id)
SELECT a.site_id, a.asset_id, %(at)s, %(to)s, %(name)s, account.account_id, r.reason_id
FROM asset a JOIN reason r USING (site_id), account WHERE a.key = %(machine)s AND r.key = 'jam' AND account.name = %(name)s;
INSERT INTO declaration (site_id, name, value, statement, valid_from, account_id, attachment_id)
SELECT %(site)s, 'declared.data_consumers', 3, %(name)s, '2026-01-01', account.account_id, attachment_id
FROM account, attachment WHERE account.name = %(name)s;
INSERT INTO alert (site_id, asset_id, rule, from_ts, detail)
SELECT site_id, asset_id, 'energy', %(at)s, %(said)s FROM asset WHERE site_id = %(site)s AND key = %(machine)s;
INSERT INTO alert_ack (alert_id, account_id, at, note) SELECT alert.alert_id, account.account_id, %(to)s, %(name)s FROM alert, account WHERE account.name = %(name)s;
INSERT INTO prediction (site_id, asset_id, model, made_at, for_ts, detail)
SELECT site_id, asset_id, 'wear', %(at)s, %(to)s, %(said)s FROM asset WHERE site_id = %(site)s AND key = %(machine)s;
INSERT INTO audit_log (account_id, action, object, detail, at)
SELECT account_id, 'view.board', 'plant', %(said)s, %(at)s FROM account WHERE name = %(name)s;
INSERT INTO business_record (site_id, kind, key, from_ts, to_ts, payload, source)
SELECT %(site)s, which, CASE which WHEN 'attendance' THEN %(name)s ELSE which || '-1' END, %(at)s, %(to)s,
       %(said)s::jsonb || jsonb_build_object('asset', %(machine)s), 'cham cong ' || %(name)s || '.csv'
FROM unnest(ARRAY['order', 'attendance', 'maintenance', 'problem', 'shutdown', 'work_order', 'of_no_known_kind']) AS which;
INSERT INTO criterion_baseline (site_id, key, version, value, first_day, last_day, reason)
VALUES (%(site)s, 'by hand', 1, 1, '2026-01-01', '2026-01-31', %(name)s);
