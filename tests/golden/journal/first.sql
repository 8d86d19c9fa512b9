PRAGMA application_id = 1919053675;
PRAGMA user_version = 1;
BEGIN TRANSACTION;
CREATE TABLE large (
        seq INTEGER PRIMARY KEY REFERENCES records (seq),
        body BLOB NOT NULL
    );
CREATE TABLE records (
        seq INTEGER PRIMARY KEY,
        run TEXT NOT NULL,
        kind TEXT NOT NULL,
        at REAL NOT NULL,
        body TEXT,
        checksum INTEGER NOT NULL
    );
INSERT INTO "records" VALUES(1,'1125-0803-97fc','run',1.79559380536474394798e+09,'{"kind":"run","run":"1125-0803-97fc","playbook":"/tmp/lab/simple.yml","playbook_digest":"a391df5bf6a1a767","inventory":[],"inventory_digest":"e4a6a0577479b2b4","extra_vars_digest":"71857576257465c7","tags":["all"],"argv":["play","simple.yml","--state","old.db"],"started":"2026-11-25T08:03:25.364617Z"}',1667983847);
INSERT INTO "records" VALUES(2,'1125-0803-97fc','intent',1.79559381518838500971e+09,'{"kind":"intent","step":"81a903c39fcfa5e8@localhost","key":"run","token":"runbook 1125-0803-97fc 4222f567d3ab1520289039f6 1","attempt":1,"started":"2026-11-25T08:03:35.188364Z"}',447690435);
INSERT INTO "records" VALUES(3,'1125-0803-97fc','effect',1.79559381519994831081e+09,'{"kind":"effect","step":"81a903c39fcfa5e8@localhost","key":"run","attempt":1,"result":{"rc":0,"stdout":"hi","stderr":"","delta":0.004079205999005353}}',3149294995);
INSERT INTO "records" VALUES(4,'1125-0803-97fc','step',1.79559381521613359452e+09,'{"kind":"step","step":"81a903c39fcfa5e8@localhost","host":"localhost","task":"one","module":"command","file":"simple.yml","line":4,"outcome":{"status":"changed","result":{"cmd":["echo","hi"],"rc":0,"stdout":"hi","stderr":"","stdout_lines":["hi"],"stderr_lines":[],"delta":0.004079205999005353,"msg":"","changed":true,"failed":false},"changes":[{"action":"run","resource":null,"before":null,"after":{"command":"echo hi"},"result":null,"reason":"runs echo hi","warnings":[]}],"facts":{},"notified":[],"directives":[],"ignored":false,"seconds":9.8401538170001},"register":"said"}',1988760824);
INSERT INTO "records" VALUES(5,'1125-0803-97fc','step',1.79559381521675443644e+09,'{"kind":"step","step":"14c7070eeb98a954@localhost","host":"localhost","task":"facts","module":"set_fact","file":"simple.yml","line":7,"outcome":{"status":"ok","result":{"ansible_facts":{"a":{"b":[1,2]}},"changed":false,"failed":false},"changes":[],"facts":{"a":{"b":[1,2]}},"notified":[],"directives":[],"ignored":false,"seconds":0.00037415599945234135}}',2700439804);
INSERT INTO "records" VALUES(6,'1125-0803-97fc','step',1.79559381521766185758e+09,'{"kind":"step","step":"2e8a7469cdb1c505@localhost","host":"localhost","task":"inc","module":"include_tasks","file":"simple.yml","line":9,"outcome":{"status":"ok","result":{"include":"inc.yml","changed":false,"failed":false},"changes":[],"facts":{},"notified":[],"directives":[{"type":"Include","file":"inc.yml","vars":{},"item":""}],"ignored":false,"seconds":0.00012852099825977348}}',1264285737);
INSERT INTO "records" VALUES(7,'1125-0803-97fc','step',1.79559381521869087213e+09,'{"kind":"step","step":"272948254fc5910f/250a28feb36c1bfd@localhost","host":"localhost","task":"inner","module":"debug","file":"inc.yml","line":1,"outcome":{"status":"ok","result":{"msg":"hi","changed":false,"failed":false},"changes":[],"facts":{},"notified":[],"directives":[],"ignored":false,"seconds":0.0009204470006807242}}',1268610126);
INSERT INTO "records" VALUES(8,'1125-0803-97fc','step',1.79559381521902561187e+09,'{"kind":"step","step":"cce87e6d75fe070f@localhost","host":"localhost","task":"host","module":"add_host","file":"simple.yml","line":11,"outcome":{"status":"changed","result":{"add_host":{"host_name":"h1","groups":["g"],"host_vars":{"x":1}},"changed":true,"failed":false},"changes":[],"facts":{},"notified":[],"directives":[{"type":"AddHost","name":"h1","groups":["g"],"vars":{"x":1}}],"ignored":false,"seconds":0.00023593000150867738}}',1552028296);
INSERT INTO "records" VALUES(9,'1125-0803-97fc','intent',1.79559381523136305804e+09,'{"kind":"intent","step":"088a6ef8aad8b500@localhost","key":"run","token":"runbook 1125-0803-97fc 94a2c979dc87d6b020742675 1","attempt":1,"started":"2026-11-25T08:03:35.231346Z"}',2004804819);
INSERT INTO "records" VALUES(10,'1125-0803-97fc','effect',1.79559381524611902242e+09,'{"kind":"effect","step":"088a6ef8aad8b500@localhost","key":"run","attempt":1,"result":{"rc":1,"stdout":"","stderr":"","delta":0.0022405970012187026}}',524872794);
INSERT INTO "records" VALUES(11,'1125-0803-97fc','step',1.79559381524670028679e+09,'{"kind":"step","step":"088a6ef8aad8b500@localhost","host":"localhost","task":"fails","module":"command","file":"simple.yml","line":13,"outcome":{"status":"failed","result":{"cmd":["false"],"rc":1,"stdout":"","stderr":"","stdout_lines":[],"stderr_lines":[],"delta":0.0022405970012187026,"msg":"The command ended with code 1","changed":false,"failed":true},"changes":[],"facts":{},"notified":[],"directives":[],"ignored":false,"seconds":0.01568240300184698}}',4129639744);
INSERT INTO "records" VALUES(12,'1125-0803-97fc','end',1.79559381524685788156e+09,'{"kind":"end","status":"failed","exit_code":2,"ended":"2026-11-25T08:03:35.246852Z","seconds":9.956650799002091}',3019699230);
CREATE INDEX records_of_run ON records (run);
CREATE INDEX marks_of_runs ON records (seq) WHERE kind IN ('run', 'end');
COMMIT;
