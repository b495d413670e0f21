package features

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/problem"
	"github.com/loanops/loanops/internal/request"
	"github.com/loanops/loanops/internal/transform"
)

// earliest is the first instant that an event can be of.
var earliest = time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC)

// events reads {"events": [{"event_id", "entity": {…}, "event_timestamp", "values": {…}}]} and names everything that is wrong. What is no such document
// is a problem.
func (v *view) events(data []byte, now time.Time) (rows []feature.Posted, wrong []problem.FieldError, err error) {
	members, err := request.Object(data)
	if err != nil {
		return nil, nil, problem.New(http.StatusBadRequest, err.Error())
	}
	events, ok := listOf(members)
	if !ok || len(events) == 0 || len(events) > maxEvents {
		detail := fmt.Sprintf("a list of 1 to %d events is wanted, and nothing else", maxEvents)
		if ok {
			detail = fmt.Sprintf("has %d events; 1 to %d are taken at once", len(events), maxEvents)
		}
		return nil, []problem.FieldError{{Field: "events", Rule: string(request.Type), Detail: detail}}, nil
	}
	rows = make([]feature.Posted, len(events))
	for i, raw := range events {
		e := event{view: v, at: fmt.Sprintf("events[%d]", i), now: now}
		rows[i] = e.read(raw)
		wrong = append(wrong, e.wrong...)
	}
	return rows, wrong, nil
}

// listOf is the list of events, which is all that is sent.
func listOf(members []request.Member) (events []json.RawMessage, ok bool) {
	if len(members) != 1 || members[0].Name != "events" || json.Unmarshal(members[0].Value, &events) != nil {
		return nil, false
	}
	return events, true
}

// broken says that an event breaks a rule of its view.
const broken request.Rule = "broken"

// event is one that is read.
type event struct {
	view  *view
	at    string
	now   time.Time
	wrong []problem.FieldError
}

func (e *event) complain(field string, rule request.Rule, detail string) {
	e.wrong = append(e.wrong, problem.FieldError{Field: e.at + field, Rule: string(rule), Detail: detail})
}

func (e *event) read(raw json.RawMessage) (row feature.Posted) {
	members := e.object("", raw, []string{"event_id", "entity", "event_timestamp", "values"}, "an event")
	if members == nil {
		return row
	}
	if id, is := members["event_id"]; !is {
		e.complain(".event_id", request.Required, "is missing; "+textWanted+" is wanted")
	} else if text, ok := request.PlainText(id); !ok {
		e.complain(".event_id", request.Type, textWanted+" is wanted")
	} else {
		row.ID = text
	}
	if entity, is := members["entity"]; !is {
		e.complain(".entity", request.Required, "is missing; an object with "+strings.Join(e.view.Keys, " and ")+" is wanted")
	} else {
		row.Key, row.Names = e.entity(entity), feature.KeyOf(e.view.Keys...)
	}
	if at, is := members["event_timestamp"]; !is {
		e.complain(".event_timestamp", request.Required, "is missing; "+e.instantWanted()+" is wanted")
	} else {
		row.Event = e.instant(at)
	}
	if values, is := members["values"]; !is {
		e.complain(".values", request.Required, "is missing; an object with values of the view is wanted")
	} else {
		row.Values = e.values(values)
	}
	return row
}

// object splits a JSON object, of which these names are known, into its members; nil of what is none.
func (e *event) object(field string, raw json.RawMessage, names []string, what string) map[string]json.RawMessage {
	members, err := request.Object(raw)
	if err != nil {
		e.complain(field, request.Type, what+" is an object with "+strings.Join(names, ", "))
		return nil
	}
	known := map[string]json.RawMessage{}
	for _, name := range names {
		known[name] = nil
	}
	for _, m := range members {
		switch value, is := known[m.Name]; {
		case !is && columnName.MatchString(m.Name):
			e.complain(field+"."+m.Name, request.Unknown, what+" has no such field; it has "+strings.Join(names, ", "))
		case !is:
			e.complain(field, request.Unknown, what+" has one that it does not know; it has "+strings.Join(names, ", "))
		case value != nil:
			e.complain(field+"."+m.Name, request.Repeated, "stands twice")
		default:
			known[m.Name] = m.Value
		}
	}
	for name, value := range known {
		if value == nil {
			delete(known, name)
		}
	}
	return known
}

// columnName is what a column can be called: other names are not repeated.
var columnName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,63}$`)

func (e *event) entity(raw json.RawMessage) feature.Key {
	members := e.object(".entity", raw, e.view.Keys, "the entity")
	if members == nil {
		return ""
	}
	texts := make([]string, len(e.view.Keys))
	for i, name := range e.view.Keys {
		value, is := members[name]
		if !is {
			e.complain(".entity."+name, request.Required, "is missing; "+keyWanted+" is wanted")
			continue
		}
		text, ok := request.KeyText(value)
		if !ok {
			e.complain(".entity."+name, request.Type, keyWanted+" is wanted")
		}
		texts[i] = text
	}
	return feature.KeyOf(texts...)
}

var (
	textWanted = fmt.Sprintf("a text of 1 to %d bytes without control characters", request.MaxText)
	keyWanted  = textWanted + ", or a whole number,"
)

// dated says that the view's events are of days.
func (v *view) dated() bool { return v.Types[v.EventTimestamp] == pipeline.Day }

func (e *event) instantWanted() string {
	if e.view.dated() {
		return "a day such as 2026-03-31"
	}
	return "an instant with its zone, such as 2026-03-31T09:30:00Z,"
}

func (e *event) instant(raw json.RawMessage) feature.Instant {
	layout := time.RFC3339Nano
	if e.view.dated() {
		layout = time.DateOnly
	}
	var text string
	var at time.Time
	err := json.Unmarshal(raw, &text)
	if err == nil {
		at, err = time.Parse(layout, text)
	}
	switch {
	case err != nil:
		e.complain(".event_timestamp", request.Type, e.instantWanted()+" is wanted")
	case at.Before(earliest):
		e.complain(".event_timestamp", request.Range, "is before 1900")
	case at.After(e.now):
		e.complain(".event_timestamp", request.Range, "is not true yet: it is "+e.now.UTC().Format(time.RFC3339Nano)+" by this server's clock; post it then, and set the sender's clock if that is ahead")
	}
	return feature.InstantOf(at)
}

func (e *event) values(raw json.RawMessage) json.RawMessage {
	members := e.object(".values", raw, e.view.names, "the view")
	if members == nil {
		return nil
	}
	before := len(e.wrong)
	row, sent := make([]transform.Value, len(e.view.inputs)), map[string]any{}
	for i, name := range e.view.names {
		value, is := members[name]
		if !is {
			value = json.RawMessage("null")
		}
		in := &e.view.inputs[i]
		var complaint request.Complaint
		if row[i], complaint = in.reader.Read(value); complaint.Rule != "" {
			e.complain(".values."+name, complaint.Rule, complaint.Text)
		} else if !row[i].Missing {
			sent[name] = in.field.Send(row[i])
		}
	}
	if len(e.wrong) == before { // else a rule might be broken by what is not the sender's
		for _, name := range e.view.validator.Broken(row) {
			e.complain("", broken, fmt.Sprintf("breaks the rule %s of view %s", name, e.view.Name))
		}
	}
	data, err := json.Marshal(sent) // sorted by their names: what says the same has the same bytes
	if err != nil {
		e.complain(".values", request.Type, "numbers and texts are wanted")
	}
	return data
}
