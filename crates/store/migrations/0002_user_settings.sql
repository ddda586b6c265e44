-- Do-not-disturb and forwards, as JSON; {} is a user who has set nothing.
ALTER TABLE user ADD COLUMN settings TEXT NOT NULL DEFAULT '{}';
