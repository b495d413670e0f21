package ci

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/loanops/loanops/internal/clean"
	"github.com/loanops/loanops/internal/request"
)

// spoilt are the good values of a field that are refused: an applicant who sends one gets no score.
type spoilt struct {
	r      *Repository
	f      *request.Field
	groups []spoiltGroup
}

// spoiltGroup are values that one step of cleaning spoils, or none.
type spoiltGroup struct {
	at, reason string
	rule       request.Rule
	others     []string
}

// add notes a value with what is said of it.
func (s *spoilt) add(w written, complaint request.Complaint) {
	at, how := s.r.columnAt(s.f.Name), "; "+complaint.Text
	if k := s.step(w.raw); k >= 0 {
		var step string
		at, step = s.r.stepAt(s.f.Name, k)
		how = fmt.Sprintf(" after the cleaning step %s: %s; %s is wanted", step, s.made(k, w.raw), s.f.Wanted())
		if complaint.Rule == request.Required {
			how += ": set missing_max, or leave the value out of what the column declares as good"
		}
	}
	value := w.raw
	if value == "" {
		value = w.kind
	}
	same := func(g spoiltGroup) bool { return g.at == at && g.rule == complaint.Rule }
	if i := slices.IndexFunc(s.groups, same); i >= 0 {
		s.groups[i].others = append(s.groups[i].others, value)
		return
	}
	reason := fmt.Sprintf("%s: a valid applicant gets no score: %s %s is refused%s", at, s.f.Name, w.words(), how)
	s.groups = append(s.groups, spoiltGroup{at: at, rule: complaint.Rule, reason: reason})
}

// reasons are one for each step that spoils.
func (s *spoilt) reasons() (reasons []string) {
	for _, g := range s.groups {
		if len(g.others) > 0 {
			g.reason += "; so are " + some(g.others)
		}
		reasons = append(reasons, g.reason)
	}
	return reasons
}

// step is the first of the field's cleaning after which a value that is sent is refused, and was not before; -1 where none is.
func (s *spoilt) step(raw string) int {
	if raw == "" {
		return -1
	}
	was := false
	for k := 0; k <= len(s.f.Clean); k++ {
		reader, err := request.NewReader(s.until(k))
		if err != nil {
			return -1
		}
		_, complaint := reader.Read(json.RawMessage(raw))
		if was && complaint.Rule != "" {
			return k - 1
		}
		was = complaint.Rule == ""
	}
	return -1
}

// until is the field with the first k steps of its cleaning.
func (s *spoilt) until(k int) request.Field {
	f := *s.f
	f.Clean = f.Clean[:k]
	return f
}

// made is what cleaning until step k, and with it, makes of a value that is sent.
func (s *spoilt) made(k int, raw string) string {
	f := s.until(k + 1)
	cleaner, err := clean.New(f.Clean, f.Name, f.Type)
	if err != nil {
		return err.Error()
	}
	var text string
	var v clean.Value
	var wrong clean.Fault
	if json.Unmarshal([]byte(raw), &text) == nil {
		v, wrong = cleaner.Clean(text)
	} else {
		v, wrong = cleaner.CleanLiteral(raw)
	}
	switch {
	case wrong != clean.None:
		return "it " + cleaner.Words(wrong)
	case v.Missing:
		return "it becomes missing"
	case v.Text != "":
		return "it becomes " + quoted(v.Text)
	}
	return fmt.Sprint("it becomes ", v.Number)
}

// stepAt is where the spec has step k of a column's cleaning, and what it is called.
func (r *Repository) stepAt(column string, k int) (at, name string) {
	for i := range r.Spec.Clean {
		if slices.Contains(r.Spec.Clean[i].Columns(), column) {
			if k--; k < 0 {
				return r.document.At(index("clean", i)), r.Spec.Clean[i].Kind()
			}
		}
	}
	return r.columnAt(column), ""
}

// columnAt is where the spec declares a column.
func (r *Repository) columnAt(name string) string {
	for i := range r.Spec.Columns {
		if r.Spec.Columns[i].Name == name && r.Spec.Columns[i].Looked() {
			return r.document.At("features")
		}
		if r.Spec.Columns[i].Name == name {
			return r.document.At(index("columns", i))
		}
	}
	return r.document.At("columns")
}
