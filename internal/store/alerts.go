package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"strings"
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
	err = s.transact(ctx, "recording an alert", func(tx *sql.Tx) error {
		changed = false
		var text string
		err := tx.QueryRowContext(ctx, s.dialect.rebind("SELECT document FROM alerts WHERE id = ?"), a.ID).Scan(&text)
		if err == nil {
			changed = true // the same operation: whoever raised it did not hear that it was written
			return json.Unmarshal([]byte(text), &a)
		}
		if !errors.Is(err, sql.ErrNoRows) {
			return err
		}
		newest, nth, err := s.newestAlert(ctx, tx, a.Pipeline, a.Subject)
		if err != nil || !a.Changes(newest) {
			return err
		}
		a.Before, changed = alert.OK, true
		if newest != nil {
			a.Before = newest.State
		}
		return s.insertAlert(ctx, tx, a, nth+1)
	})
	return a, changed && err == nil, err
}

// newestAlert is the last one of a subject, and the how manieth it is; nil and 0 before the first.
func (s *store) newestAlert(ctx context.Context, tx *sql.Tx, pipeline string, subject alert.Subject) (newest *alert.Alert, nth int, err error) {
	var text string
	err = tx.QueryRowContext(ctx, s.dialect.rebind("SELECT document, nth FROM alerts WHERE pipeline = ? AND subject = ? ORDER BY nth DESC LIMIT 1"), pipeline, string(subject)).Scan(&text, &nth)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, 0, nil
	}
	if err != nil {
		return nil, 0, err
	}
	newest = &alert.Alert{}
	return newest, nth, json.Unmarshal([]byte(text), newest)
}

// insertAlert follows the alert that was read: when another one has, this loses the race.
func (s *store) insertAlert(ctx context.Context, tx *sql.Tx, a alert.Alert, nth int) error {
	document, err := json.Marshal(a)
	if err != nil {
		return fault.Wrap(fault.Internal, err, "encoding an alert")
	}
	_, err = tx.ExecContext(ctx, s.dialect.rebind("INSERT INTO alerts (id, pipeline, subject, nth, operation, document, since) VALUES (?, ?, ?, ?, ?, ?, ?)"),
		a.ID, a.Pipeline, string(a.Subject), nth, a.Operation, string(document), a.Since.UnixMicro())
	return err
}

func (s *store) Alert(ctx context.Context, id string) (alert.Alert, error) {
	all, err := s.Alerts(ctx, "")
	if err != nil {
		return alert.Alert{}, err
	}
	var found []alert.Alert
	for _, a := range all {
		if id != "" && strings.HasPrefix(a.ID, id) {
			found = append(found, a)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return alert.Alert{}, fault.New(fault.NotFound, "there is no alert %q; `loanops alerts list --all` shows those that there are", id)
	}
	return alert.Alert{}, fault.New(fault.Invalid, "%d alerts begin with %q; give more of the ID", len(found), id)
}

func (s *store) Alerts(ctx context.Context, pipeline string) ([]alert.Alert, error) {
	alerts, err := documents[alert.Alert](ctx, s, "SELECT document FROM alerts WHERE ? = '' OR pipeline = ? ORDER BY since DESC, nth DESC, id", pipeline, pipeline)
	if err != nil {
		return nil, err
	}
	place := make(map[string]*alert.Alert, len(alerts))
	type of struct {
		pipeline string
		subject  alert.Subject
	}
	later := map[of]bool{}
	for i := range alerts {
		a := &alerts[i]
		subject := of{a.Pipeline, a.Subject}
		a.Open, later[subject] = a.State != alert.OK && !later[subject], true
		a.Sent = []alert.Sending{}
		place[a.ID] = a
	}
	if err := s.readSendings(ctx, place); err != nil {
		return nil, err
	}
	return alerts, s.readAcks(ctx, place)
}

// readSendings adds to the alerts who took them.
func (s *store) readSendings(ctx context.Context, alerts map[string]*alert.Alert) error {
	rows, err := s.db.QueryContext(ctx, "SELECT alert, endpoint, at FROM alert_sendings ORDER BY endpoint")
	if err != nil {
		return s.dialect.fault(err, "reading who took alerts")
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		var sent alert.Sending
		var at int64
		if err := rows.Scan(&id, &sent.Endpoint, &at); err != nil {
			return s.dialect.fault(err, "reading who took alerts")
		}
		sent.At = time.UnixMicro(at).UTC()
		if a := alerts[id]; a != nil { // one of another pipeline, or written since the alerts were read
			a.Sent = append(a.Sent, sent)
		}
	}
	if err := rows.Err(); err != nil {
		return s.dialect.fault(err, "reading who took alerts")
	}
	return nil
}

// readAcks adds to the alerts who acknowledged them.
func (s *store) readAcks(ctx context.Context, alerts map[string]*alert.Alert) error {
	rows, err := s.db.QueryContext(ctx, "SELECT alert, actor, reason, at FROM alert_acks")
	if err != nil {
		return s.dialect.fault(err, "reading who acknowledged alerts")
	}
	defer rows.Close()
	for rows.Next() {
		var id string
		var by alert.Ack
		var at int64
		if err := rows.Scan(&id, &by.Actor, &by.Reason, &at); err != nil {
			return s.dialect.fault(err, "reading who acknowledged alerts")
		}
		by.At = time.UnixMicro(at).UTC()
		if a := alerts[id]; a != nil {
			a.Ack, a.Open = &by, false
		}
	}
	if err := rows.Err(); err != nil {
		return s.dialect.fault(err, "reading who acknowledged alerts")
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
