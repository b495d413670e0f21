package features

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"

	"github.com/loanops/loanops/api/respond"
	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/problem"
	"github.com/loanops/loanops/internal/request"
)

// question is what is asked for, in the shape that clients of Feast give it.
type question struct {
	features []string
	listed   json.RawMessage // the features as they were sent
	found    *selection      // what the same came to before; nil of what is asked for the first time
	service  string
	full     bool
	entities []entityColumn
	rows     int
}

// maxWrong is how many wrong references, or keys, are named.
const maxWrong = 100

// entityColumn is one key of all entities that are asked for.
type entityColumn struct {
	name  string
	sent  []json.RawMessage
	texts []string // empty of null
}

// get answers what views say now of entities.
func (s *Server) get(ctx context.Context, c echo.Context) error {
	data, err := respond.Body(c)
	if err != nil {
		return err
	}
	known, _ := s.definitions.get(ctx) // selected says what is wrong with the register
	q, wrong, err := readQuestion(data, known)
	if err != nil {
		return err
	}
	found, err := s.selected(ctx, &q)
	if err != nil {
		return err
	}
	if wrong = append(wrong, found.wrong...); len(wrong) == 0 {
		wrong = q.fits(found)
	}
	if len(wrong) > 0 {
		return problem.OfFields("", wrong...)
	}
	if q.found == nil {
		found.known.asked.put(q.asked(), found)
	}
	readings, err := s.readings(ctx, found.views, &q)
	if err != nil {
		return err
	}
	c.Response().Header().Set(echo.HeaderCacheControl, "no-store")
	return c.JSONBlob(http.StatusOK, s.answer(&q, found.columns, readings))
}

// readQuestion reads {"features": […], "feature_service", "entities": {"key": […]}, "full_feature_names"}. What is no JSON object is a problem.
func readQuestion(data []byte, known *catalogue) (q question, wrong []problem.FieldError, err error) {
	members, err := request.Object(data)
	if err != nil {
		return q, nil, problem.New(http.StatusBadRequest, err.Error())
	}
	complain := func(field string, rule request.Rule, detail string) {
		wrong = append(wrong, problem.FieldError{Field: field, Rule: string(rule), Detail: detail})
	}
	seen := map[string]bool{}
	var ignored any
	for _, m := range members {
		var err error
		detail := ""
		switch m.Name {
		case "features":
			q.listed = m.Value
		case "feature_service":
			err, detail = json.Unmarshal(m.Value, &q.service), "the name of a feature service is wanted"
		case "full_feature_names":
			err, detail = json.Unmarshal(m.Value, &q.full), "true or false is wanted"
		case "entities":
			wrong = append(wrong, q.readEntities(m.Value)...)
		case "include_feature_view_version_metadata": // Feast's; its client takes an answer without
			err = json.Unmarshal(m.Value, &ignored)
		default:
			if columnName.MatchString(m.Name) {
				complain(m.Name, request.Unknown, "there is no such field; features, feature_service, entities and full_feature_names are wanted")
			} else {
				complain("", request.Unknown, "there is a field that is not known; features, feature_service, entities and full_feature_names are wanted")
			}
		}
		if err != nil {
			complain(m.Name, request.Type, detail)
		}
		if seen[m.Name] {
			complain(m.Name, request.Repeated, "stands twice")
		}
		seen[m.Name] = true
	}
	if q.found = known.remembers(&q); q.found == nil && q.listed != nil {
		wrong = append(wrong, q.readFeatures()...)
	}
	if q.found == nil && len(q.features) == 0 && q.service == "" && len(wrong) == 0 {
		complain("features", request.Required, "a list of references such as view:feature, or a feature_service, is wanted")
	}
	if !seen["entities"] {
		complain("entities", request.Required, "an object with the keys of entities is wanted, such as {\"applicant_id\": [\"a-17\"]}")
	}
	return q, wrong, nil
}

// remembers is what the same came to before; nil of what is asked for the first time.
func (c *catalogue) remembers(q *question) *selection {
	if c == nil {
		return nil
	}
	return c.asked.get(q.asked())
}

func (q *question) asked() asked { return asked{string(q.listed), q.service, q.full} }

func (q *question) readFeatures() (wrong []problem.FieldError) {
	complain := func(rule request.Rule, detail string) {
		q.features, wrong = nil, append(wrong, problem.FieldError{Field: "features", Rule: string(rule), Detail: detail})
	}
	if json.Unmarshal(q.listed, &q.features) != nil {
		complain(request.Type, "a list of references such as view:feature is wanted")
	} else if len(q.features) > maxReferences {
		complain(request.Range, fmt.Sprintf("%d references are too many; at most %d are looked up, and a view stands for all of its features", len(q.features), maxReferences))
	}
	return wrong
}

func (q *question) readEntities(raw json.RawMessage) (wrong []problem.FieldError) {
	complain := func(field string, rule request.Rule, detail string) {
		wrong = append(wrong, problem.FieldError{Field: field, Rule: string(rule), Detail: detail})
	}
	members, err := request.Object(raw)
	if err != nil || len(members) == 0 {
		complain("entities", request.Type, "an object with the keys of entities is wanted, such as {\"applicant_id\": [\"a-17\"]}")
		return wrong
	}
	for _, m := range members {
		c := entityColumn{name: m.Name}
		if !columnName.MatchString(m.Name) {
			complain("entities", request.Unknown, "there is a key that no entity has")
			continue
		}
		field := "entities." + m.Name
		if slices.ContainsFunc(q.entities, func(other entityColumn) bool { return other.name == m.Name }) {
			complain(field, request.Repeated, "stands twice")
		}
		if json.Unmarshal(m.Value, &c.sent) != nil || len(c.sent) == 0 || len(c.sent) > maxCells {
			complain(field, request.Type, fmt.Sprintf("a list of 1 to %d keys is wanted", maxCells))
			continue
		}
		if len(q.entities) > 0 && len(c.sent) != q.rows {
			complain(field, request.Type, "all keys of entities are lists of one length")
		}
		q.rows = len(c.sent)
		for i, raw := range c.sent {
			text, ok := request.KeyText(raw)
			if !ok && string(raw) != "null" {
				complain(fmt.Sprintf("%s[%d]", field, i), request.Type, keyWanted+" is wanted; or null, of which nothing is known")
			}
			if len(wrong) > maxWrong {
				return wrong
			}
			c.texts = append(c.texts, text)
		}
		q.entities = append(q.entities, c)
	}
	return wrong
}

// selected resolves what is asked for; where a name is not known, by what the register says now.
func (s *Server) selected(ctx context.Context, q *question) (found *selection, err error) {
	if q.found != nil {
		return q.found, nil
	}
	for _, look := range []func(context.Context) (*catalogue, error){s.definitions.get, s.definitions.again} {
		known, err := look(ctx)
		if err != nil {
			return nil, err
		}
		found = &selection{known: known, full: q.full, named: map[string]column{}}
		if q.service != "" {
			found.service("feature_service", q.service)
		}
		for i, reference := range q.features {
			if len(found.columns) > maxCells || len(found.wrong) > maxWrong {
				break
			}
			found.add(fmt.Sprintf("features[%d]", i), reference)
		}
		if !found.unknown() {
			break
		}
	}
	return found, nil
}

// fits holds the entities against the views that are asked.
func (q *question) fits(s *selection) (wrong []problem.FieldError) {
	complain := func(field string, rule request.Rule, format string, args ...any) {
		wrong = append(wrong, problem.FieldError{Field: field, Rule: string(rule), Detail: fmt.Sprintf(format, args...)})
	}
	needed := map[string]bool{}
	for _, v := range s.views {
		for _, key := range v.Keys {
			if !needed[key] && !slices.ContainsFunc(q.entities, func(e entityColumn) bool { return e.name == key }) {
				complain("entities."+key, request.Required, "is missing; view %s is about entities with this key", v.Name)
			}
			needed[key] = true
		}
	}
	for _, e := range q.entities {
		if !needed[e.name] {
			complain("entities."+e.name, request.Unknown, "no view that is asked for has this key")
		}
	}
	if cells := len(s.columns) * q.rows; cells > maxCells {
		complain("entities", request.Range, "%d values of features are asked for; at most %d are answered at once", cells, maxCells)
	}
	return wrong
}

// readings are what views say now of the entities, by view. All that is said of one entity is read in one query, and so is the answer unless it is of very many.
func (s *Server) readings(ctx context.Context, views []*view, q *question) (map[*view][]feature.Reading, error) {
	readings := make(map[*view][]feature.Reading, len(views))
	for _, v := range views {
		readings[v] = make([]feature.Reading, q.rows)
	}
	for first, some := 0, max(1, feature.MaxRead/len(views)); first < q.rows; first += some {
		if err := s.read(ctx, views, q, first, min(first+some, q.rows), readings); err != nil {
			return nil, err
		}
	}
	return readings, nil
}

// read fills in the readings of some rows, those from first on to before last.
func (s *Server) read(ctx context.Context, views []*view, q *question, first, last int, readings map[*view][]feature.Reading) error {
	at := make([]feature.Address, 0, len(views)*(last-first))
	into := make([]*feature.Reading, 0, cap(at))
	of := make([]*view, 0, cap(at))
	for _, v := range views {
		keys := q.keysOf(v)
		for row := first; row < last; row++ {
			if key, ok := keys(row); ok {
				at, into, of = append(at, feature.Address{View: v.Name, Version: v.version, Key: key}), append(into, &readings[v][row]), append(of, v)
				continue
			}
			readings[v][row] = v.reader.At(nil, 0)
		}
	}
	states, err := s.store.Read(ctx, at)
	if err != nil {
		return err
	}
	moment := feature.InstantOf(s.clock())
	for i, data := range states {
		if *into[i], err = of[i].reader.Reading(data, moment); err != nil {
			return err
		}
	}
	return nil
}

// keysOf tells the key of a row as the view has it; there is none where one of its parts is null.
func (q *question) keysOf(v *view) func(row int) (key feature.Key, ok bool) {
	parts := make([][]string, len(v.Keys))
	for i, name := range v.Keys {
		parts[i] = q.entities[slices.IndexFunc(q.entities, func(e entityColumn) bool { return e.name == name })].texts
	}
	texts := make([]string, len(parts))
	return func(row int) (feature.Key, bool) {
		for i := range parts {
			if texts[i] = parts[i][row]; texts[i] == "" {
				return "", false
			}
		}
		return feature.KeyOf(texts...), true
	}
}
