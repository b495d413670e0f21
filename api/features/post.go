package features

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/labstack/echo/v4"

	"github.com/loanops/loanops/api/respond"
	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/problem"
)

// written is what became of a posted event.
type written struct {
	EventID string    `json:"event_id"`
	Created time.Time `json:"created_timestamp"`
	// Duplicate says that it was written before.
	Duplicate bool `json:"duplicate"`
}

// nothingWritten is what became of events of which one is wrong.
const nothingWritten = "no event was written"

// post writes events, all or none. When it answers they outlive any failure, and whoever asks for features sees them.
func (s *Server) post(ctx context.Context, c echo.Context) error {
	v, err := s.postable(ctx, c.Param("view"))
	if err != nil {
		return err
	}
	data, err := respond.Body(c)
	if err != nil {
		return err
	}
	rows, wrong, err := v.events(data, s.clock())
	if err != nil {
		return err
	}
	if len(wrong) > 0 {
		return problem.OfFields(nothingWritten, wrong...)
	}
	appended, err := s.store.Append(ctx, v.Name, rows, func() feature.Instant { return feature.InstantOf(s.clock()) }, s.fold)
	if at, is := feature.MovedAt(err); is {
		return problem.OfFields(nothingWritten, problem.FieldError{
			Field: fmt.Sprintf("events[%d].event_id", at), Rule: "moved", Detail: "an event of this ID has another entity or event_timestamp: a correction keeps both; another event has another event_id",
		})
	}
	if err != nil {
		return err
	}
	answer := struct {
		Events     []written `json:"events"`
		Written    int       `json:"written"`
		Duplicates int       `json:"duplicates"`
	}{Events: make([]written, len(rows))}
	for i, a := range appended {
		answer.Events[i] = written{rows[i].ID, a.Created.Time(), a.Duplicate}
		if a.Duplicate {
			answer.Duplicates++
		}
	}
	answer.Written = len(rows) - answer.Duplicates
	s.metrics.events.WithLabelValues(v.Name, "written").Add(float64(answer.Written))
	s.metrics.events.WithLabelValues(v.Name, "duplicate").Add(float64(answer.Duplicates))
	c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
	return c.JSON(http.StatusOK, answer)
}

// postable is the version of a view by which what is posted is read.
func (s *Server) postable(ctx context.Context, name string) (v *view, err error) {
	for _, look := range []func(context.Context) (*catalogue, error){s.definitions.get, s.definitions.again} {
		known, err := look(ctx)
		if err != nil {
			return nil, err
		}
		if v = known.posted(name); v != nil && v.Events && v.wrong == nil {
			return v, nil
		}
	}
	if v == nil {
		return nil, problem.New(http.StatusNotFound, "there is no such feature view; `loanops features list` shows those that there are")
	}
	if v.Events {
		return nil, problem.New(http.StatusInternalServerError, fmt.Sprintf("version %d of view %s takes no events, for its definition is wrong or of a newer program: %s", v.version, v.Name, v.wrong))
	}
	return nil, problem.New(http.StatusUnprocessableEntity, fmt.Sprintf("view %s takes no events: its definition has no `events: true`", v.Name))
}

// fold is what one version of a view holds of an entity after rows of the log.
func (s *Server) fold(version feature.Registered, _ feature.Key, state []byte, rows []feature.Logged, of feature.Extent) ([]byte, error) {
	type id struct {
		name    string
		version int
	}
	at := id{version.Name, version.Version}
	reader, known := s.readers.Load(at)
	if !known {
		definition, err := version.DecodeView()
		if err != nil {
			return nil, err
		}
		reader = definition.Reader()
		s.readers.Store(at, reader)
	}
	return reader.(*feature.Reader).Fold(state, rows, of, feature.InstantOf(s.clock()))
}
