DROP TABLE alert_acks;
DROP TABLE alert_sendings;
DROP TABLE alerts;
