package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/loanops/loanops/internal/alert"
	"github.com/loanops/loanops/internal/fault"
)

func (s *store) RaiseAlert(ctx context.Context, a alert.Alert) (alert.Alert, bool, error) {
	a, err := alert.New(a)
	if err != nil {
		return a, false, err
	}
	changed := false
	err = s.Transact(ctx, "recording an alert", func(tx *sql.Tx) error {
		changed = false
		var text string
		err := tx.QueryRowContext(ctx, s.Dialect.Rebind("SELECT document FROM alerts WHERE id = ?"), a.ID).Scan(&text)
		if err == nil {
			changed = true // the same operation: whoever raised it did not hear that it was written
			return json.Unmarshal([]byte(text), &a)
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		told, nth, err := s.alertsOfState(ctx, tx, a.Pipeline, a.Subject)
		if err != nil || !a.Changes(told) {
			return err
		}
		a.Before, changed = alert.OK, true
		if len(told) > 0 {
			a.Before = told[0].State
		}
		return s.insertAlert(ctx, tx, a, nth+1)
	})
	return a, changed && err == nil, err
}

// alertsOfState are those of a subject since its state last changed, newest first, and the place of the newest among all, from 1; none and 0 before the first.
func (s *store) alertsOfState(ctx context.Context, tx *sql.Tx, pipeline string, subject alert.Subject) (told []alert.Alert, newest int, err error) {
	rows, err := tx.QueryContext(ctx, s.Dialect.Rebind("SELECT document, nth FROM alerts WHERE pipeline = ? AND subject = ? ORDER BY nth DESC"), pipeline, string(subject))
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		var nth int
		if err := rows.Scan(&text, &nth); err != nil {
			return nil, 0, err
		}
		var a alert.Alert
		if err := json.Unmarshal([]byte(text), &a); err != nil {
			return nil, 0, err
		}
		if len(told) > 0 && a.State != told[0].State {
			break
		}
		told, newest = append(told, a), max(newest, nth)
	}
	return told, newest, rows.Err()
}

// insertAlert follows the alert that was read: when another one has, this loses the race.
func (s *store) insertAlert(ctx context.Context, tx *sql.Tx, a alert.Alert, nth int) error {
	document, err := json.Marshal(a)
	if err != nil {
		return fault.Wrap(fault.Internal, err, "encoding an alert")
	}
	_, err = tx.ExecContext(ctx, s.Dialect.Rebind("INSERT INTO alerts (id, pipeline, subject, nth, operation, document, since) VALUES (?, ?, ?, ?, ?, ?, ?)"),
		a.ID, a.Pipeline, string(a.Subject), nth, a.Operation, string(document), a.Since.UnixMicro())
	return err
}

func (s *store) Alert(ctx context.Context, id string) (alert.Alert, error) {
	found, err := s.alertsWhere(ctx, "id = ?", id)
	if err == nil && len(found) == 0 && id != "" {
		found, err = s.alertsWhere(ctx, "substr(id, 1, ?) = ?", len(id), id)
	}
	switch {
	case err != nil:
		return alert.Alert{}, err
	case len(found) == 0:
		return alert.Alert{}, fault.New(fault.NotFound, "there is no alert %q; `loanops alerts list --all` shows those that there are", id)
	case len(found) > 1:
		return alert.Alert{}, fault.New(fault.Invalid, "%d alerts begin with %q; give more of the ID", len(found), id)
	}
	return found[0], nil
}

func (s *store) Alerts(ctx context.Context, pipeline string) ([]alert.Alert, error) {
	return s.alertsWhere(ctx, "? = '' OR pipeline = ?", pipeline, pipeline)
}

// alertsWhere are the alerts of a condition on their rows, with who took and who acknowledged each.
func (s *store) alertsWhere(ctx context.Context, condition string, args ...any) ([]alert.Alert, error) {
	alerts := []alert.Alert{}
	place := map[string]int{}
	err := s.each(ctx, func(rows *sql.Rows) error {
		var text string
		var newest bool
		if err := rows.Scan(&text, &newest); err != nil {
			return err
		}
		var a alert.Alert
		if err := json.Unmarshal([]byte(text), &a); err != nil {
			return err
		}
		a.Open, a.Sent = newest && a.State != alert.OK, []alert.Sending{}
		place[a.ID] = len(alerts)
		alerts = append(alerts, a)
		return nil
	}, `SELECT document, nth = (SELECT MAX(nth) FROM alerts AS other WHERE other.pipeline = alerts.pipeline AND other.subject = alerts.subject)
		FROM alerts WHERE `+condition+` ORDER BY since DESC, nth DESC, id`, args...)
	if err != nil || len(alerts) == 0 {
		return alerts, err
	}
	of := " WHERE alert IN (SELECT id FROM alerts WHERE " + condition + ")"
	err = s.each(ctx, func(rows *sql.Rows) error {
		var id string
		var sent alert.Sending
		var at int64
		if err := rows.Scan(&id, &sent.Endpoint, &at); err != nil {
			return err
		}
		sent.At = time.UnixMicro(at).UTC()
		if i, known := place[id]; known { // else it was written since the alerts were read
			alerts[i].Sent = append(alerts[i].Sent, sent)
		}
		return nil
	}, "SELECT alert, endpoint, at FROM alert_sendings"+of+" ORDER BY endpoint", args...)
	if err != nil {
		return nil, err
	}
	err = s.each(ctx, func(rows *sql.Rows) error {
		var id string
		var by alert.Ack
		var at int64
		if err := rows.Scan(&id, &by.Actor, &by.Reason, &at); err != nil {
			return err
		}
		by.At = time.UnixMicro(at).UTC()
		if i, known := place[id]; known {
			alerts[i].Ack, alerts[i].Open = &by, false
		}
		return nil
	}, "SELECT alert, actor, reason, at FROM alert_acks"+of, args...)
	return alerts, err
}

// each reads every row of a query.
func (s *store) each(ctx context.Context, read func(*sql.Rows) error, query string, args ...any) error {
	rows, err := s.QueryContext(ctx, s.Dialect.Rebind(query), args...)
	if err != nil {
		return s.Dialect.Fault(err, "reading alerts")
	}
	defer rows.Close()
	for rows.Next() {
		if err := read(rows); err != nil {
			return s.Dialect.Fault(err, "reading alerts")
		}
	}
	if err := rows.Err(); err != nil {
		return s.Dialect.Fault(err, "reading alerts")
	}
	return nil
}

func (s *store) AckAlert(ctx context.Context, id string, by alert.Ack) (alert.Alert, error) {
	a, err := s.Alert(ctx, id)
	if err != nil {
		return a, err
	}
	err = s.exec(ctx, "acknowledging an alert", "INSERT INTO alert_acks (alert, actor, reason, at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING",
		a.ID, by.Actor, by.Reason, now().UnixMicro())
	if err != nil {
		return a, err
	}
	return s.Alert(ctx, a.ID)
}

func (s *store) PutAlertSending(ctx context.Context, id, endpoint string) error {
	if id == "" || endpoint == "" {
		return fault.New(fault.Invalid, "a sending needs an alert and the endpoint that took it")
	}
	return s.exec(ctx, "recording who took an alert", "INSERT INTO alert_sendings (alert, endpoint, at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
		id, endpoint, now().UnixMicro())
}
