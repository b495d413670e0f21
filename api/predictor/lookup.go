package predictor

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/problem"
	"github.com/loanops/loanops/internal/request"
	"github.com/loanops/loanops/internal/transform"
)

// given is the status of a feature that the application holds itself.
const given feature.Status = "GIVEN"

// unavailable is the status of a feature that the store was asked for and did not tell in time.
const unavailable feature.Status = "UNAVAILABLE"

// maxAnswer bounds what is read of the store's answer.
const maxAnswer = 16 << 20

// Looked is a feature of the store as it went into a decision.
type Looked struct {
	// Value is what the decision was made with: what the store says, else the default; null where there is none.
	Value any `json:"value"`
	// Status is the store's word: PRESENT, NULL_VALUE, NOT_FOUND, OUTSIDE_MAX_AGE; or UNAVAILABLE, or GIVEN with the application.
	Status feature.Status `json:"status"`
	// EventTimestamp is when the newest row that the store knows of the entity was true.
	EventTimestamp *time.Time `json:"event_timestamp,omitempty"`
}

// store asks the feature store, of one model, what it knows of applications.
type store struct {
	url, key string
	deadline time.Duration
	client   *http.Client
	columns  []pipeline.Column
	fields   []request.Field // of the columns
	begin    []byte          // of every question: the features
	keys     []string
	silent   atomic.Bool // it did not answer the last time
}

// newStore is nil where the model looks nothing up. Without a URL the store never answers.
func newStore(cfg Config, applications *request.Applications, of request.Contract) (*store, error) {
	s := &store{
		url: strings.TrimSuffix(cfg.Features.URL, "/") + "/get-online-features", deadline: time.Duration(of.Store.DeadlineMillis) * time.Millisecond,
		client:  &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: time.Minute}},
		columns: applications.Features(), keys: applications.Keys(),
	}
	if len(s.columns) == 0 {
		return nil, nil
	}
	if cfg.Features.URL == "" {
		s.url = ""
	}
	if cfg.Features.KeyFile != "" {
		key, err := os.ReadFile(cfg.Features.KeyFile)
		if err != nil {
			return nil, fault.Wrap(fault.NotFound, err, "the key for the feature store")
		}
		s.key = strings.TrimSpace(string(key))
	}
	references := make([]string, len(s.columns))
	for i, c := range s.columns {
		references[i] = c.Feature
		s.fields = append(s.fields, request.FieldOf(c, nil))
	}
	listed, err := json.Marshal(references)
	s.begin = fmt.Appendf(nil, `{"features":%s,"entities":{`, listed)
	return s, fault.Wrap(fault.Internal, err, "asking for features")
}

// found is what is known of one application.
type found struct {
	values   []transform.Value
	statuses []feature.Status
	events   []time.Time
}

// portion is of how many applications one question is: a batch that is asked about at once would have to be answered within the deadline of one.
const portion = 100

// of asks about applications, and about each portion of many by itself. It waits for no answer longer than the deadline; once one does not come, it asks no more. What is not
// answered is unavailable.
func (s *store) of(ctx context.Context, applications []request.Application) ([]found, error) {
	all := make([]found, len(applications))
	for i := range all {
		all[i] = found{values: make([]transform.Value, len(s.columns)), statuses: make([]feature.Status, len(s.columns)), events: make([]time.Time, len(s.columns))}
		for j := range s.columns {
			all[i].values[j].Missing, all[i].statuses[j] = true, unavailable
		}
	}
	if !slices.ContainsFunc(applications, namesAnybody) {
		for i := range all {
			for j := range all[i].statuses {
				all[i].statuses[j] = feature.NotFound
			}
		}
		return all, nil
	}
	if s.url == "" {
		return all, fault.New(fault.Unavailable, "this predictor was not told where the feature store is")
	}
	for from := 0; from < len(all); from += portion {
		to := min(from+portion, len(all))
		if err := s.about(ctx, applications[from:to], all[from:to]); err != nil {
			return all, err
		}
	}
	return all, nil
}

// about asks one question.
func (s *store) about(ctx context.Context, applications []request.Application, all []found) error {
	ctx, cancel := context.WithTimeout(ctx, s.deadline)
	defer cancel()
	answer, err := s.ask(ctx, applications)
	if err != nil {
		return err
	}
	return s.read(answer, all)
}

// namesAnybody says whether there is anything to ask about.
func namesAnybody(a request.Application) bool {
	return slices.ContainsFunc(a.Keys, func(key string) bool { return key != "" })
}

// ask returns the store's answer.
func (s *store) ask(ctx context.Context, applications []request.Application) ([]byte, error) {
	question, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, bytes.NewReader(s.question(applications)))
	if err != nil {
		return nil, err
	}
	question.Header.Set(echo.HeaderContentType, echo.MIMEApplicationJSON)
	if s.key != "" {
		question.Header.Set(echo.HeaderAuthorization, "Bearer "+s.key)
	}
	response, err := s.client.Do(question)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	data, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err == nil && response.StatusCode != http.StatusOK {
		err = fault.New(fault.Unavailable, "the feature store answers %d", response.StatusCode)
	}
	return data, err
}

// question is the body of a request. An application that names no entity has a null: nothing is known of that.
func (s *store) question(applications []request.Application) []byte {
	body := bytes.Clone(s.begin)
	for i, key := range s.keys {
		if i > 0 {
			body = append(body, ',')
		}
		body = append(strconv.AppendQuote(body, key), ":["...)
		for j := range applications {
			if j > 0 {
				body = append(body, ',')
			}
			if text := applications[j].Keys[i]; text == "" {
				body = append(body, "null"...)
			} else {
				quoted, _ := json.Marshal(text) // a text is always JSON
				body = append(body, quoted...)
			}
		}
		body = append(body, ']')
	}
	return append(body, "}}"...)
}

// read takes what an answer says; one that is no answer to the question says nothing.
func (s *store) read(answer []byte, all []found) error {
	var said struct {
		Results []struct {
			Values   []json.RawMessage `json:"values"`
			Statuses []feature.Status  `json:"statuses"`
			Events   []time.Time       `json:"event_timestamps"`
		} `json:"results"`
	}
	other := func() error { return fault.New(fault.Unavailable, "the feature store answers another question") }
	if json.Unmarshal(answer, &said) != nil || len(said.Results) != len(s.keys)+len(s.columns) {
		return other()
	}
	results := said.Results[len(s.keys):]
	for _, r := range results {
		if len(r.Values) != len(all) || len(r.Statuses) != len(all) || len(r.Events) != len(all) {
			return other()
		}
	}
	for j, r := range results {
		for i := range all {
			value, ok := s.value(j, r.Values[i])
			if !ok {
				continue // it stays unavailable
			}
			all[i].values[j], all[i].statuses[j], all[i].events[j] = value, r.Statuses[i], r.Events[i]
		}
	}
	return nil
}

// value is one of a column.
func (s *store) value(column int, raw json.RawMessage) (v transform.Value, ok bool) {
	of := &s.fields[column]
	switch {
	case string(raw) == "null":
		return transform.Value{Missing: true}, true
	case of.Type == pipeline.Category:
		ok = json.Unmarshal(raw, &v.Text) == nil
	case of.Type == pipeline.Boolean:
		var is bool
		if ok = json.Unmarshal(raw, &is) == nil; is {
			v.Number = 1
		}
	default:
		ok = json.Unmarshal(raw, &v.Number) == nil
	}
	return v, ok && of.Admits(v)
}

// lookUp asks the store about applications, and refuses where the spec says so: what is missing, or stale, of one makes no decision of any. The platform's own requests, which are
// about nobody, are decided by defaults all the same. prefix is how the fields of an application are called.
func (p *Predictor) lookUp(ctx context.Context, applications []request.Application, marks marks, prefix func(int) string) ([]found, error) {
	if p.store == nil {
		return make([]found, len(applications)), nil
	}
	started := time.Now()
	all, err := p.store.of(ctx, applications)
	p.metrics.features.Observe(time.Since(started).Seconds())
	if err != nil {
		p.metrics.unanswered.Inc()
	}
	if before := p.store.silent.Swap(err != nil); before != (err != nil) { // once, and not for every decision
		if err != nil {
			slog.Warn("the feature store does not answer in time", "deadline", p.store.deadline, "error", err)
		} else {
			slog.Info("the feature store answers")
		}
	}
	of := p.decider.Model.Contract.Store
	var wrong []problem.FieldError
	for i := range all {
		for j, status := range all[i].statuses {
			if p.applications.Gives(&applications[i], j) {
				if all[i].statuses[j] = given; p.applications.Given(&applications[i], j).Missing && of.Missing == pipeline.RefuseDecision && !marks.synthetic {
					wrong = append(wrong, problem.FieldError{Field: prefix(i) + p.store.columns[j].Name, Rule: string(request.Required), Detail: "is null, and no decision is made without it"})
				}
				continue
			}
			fallback := of.Missing
			switch status {
			case feature.Present:
				continue
			case feature.TooOld:
				fallback = of.Stale
			}
			if fallback == pipeline.RefuseDecision && !marks.synthetic {
				wrong = append(wrong, problem.FieldError{
					Field: prefix(i) + p.store.columns[j].Name, Rule: string(request.Required), Detail: fmt.Sprintf("is %s in the feature store, and no decision is made without it", status),
				})
			}
		}
	}
	switch {
	case len(wrong) > 0 && err != nil:
		return nil, problem.New(http.StatusServiceUnavailable, "the feature store does not answer, and no decision is made without it")
	case len(wrong) > 0:
		return nil, problem.New(http.StatusUnprocessableEntity, fmt.Sprintf("%d features are not known", len(wrong)), wrong...)
	}
	return all, nil
}

// looked tells what was known of an application with this row, as it went into the decision.
func (p *Predictor) looked(row []transform.Value, known *found) map[string]Looked {
	if p.store == nil {
		return nil
	}
	told := make(map[string]Looked, len(p.store.columns))
	for j, c := range p.store.columns {
		value := known.values[j]
		if at := slices.IndexFunc(p.decider.Model.Signature(), func(f transform.Field) bool { return f.Name == c.Name }); at >= 0 {
			value = row[at] // with its default
		}
		l := Looked{Value: p.store.fields[j].Send(value), Status: known.statuses[j]}
		if at := known.events[j]; l.Status != unavailable && l.Status != feature.NotFound && l.Status != given {
			l.EventTimestamp = &at
		}
		told[c.Name] = l
	}
	return told
}
