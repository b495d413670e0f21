package features

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/problem"
	"github.com/loanops/loanops/internal/request"
)

// column is a feature that is asked for.
type column struct {
	view  *view
	place int
	name  string // in the answer
	// quoted is the name as JSON.
	quoted string
}

// selection is what a request asks for, resolved.
type selection struct {
	known   *catalogue
	full    bool // names have that of the view before them
	columns []column
	named   map[string]column
	views   []*view // of the columns, each once
	wrong   []problem.FieldError
}

// asked is what a request asks for, as it is said.
type asked struct {
	features, service string
	full              bool
}

// remembered are selections of questions that nothing is wrong with: callers ask the same of one entity after the other. They are not changed any more.
type remembered struct {
	of sync.Map // *selection by asked
	n  atomic.Int64
}

// Of questions that are too many or too long none is remembered.
const (
	maxRemembered = 1000
	maxAsked      = 16 << 10
)

func (r *remembered) get(a asked) *selection {
	found, is := r.of.Load(a)
	if !is {
		return nil
	}
	return found.(*selection)
}

func (r *remembered) put(a asked, s *selection) {
	if len(a.features)+len(a.service) <= maxAsked && r.n.Add(1) <= maxRemembered {
		r.of.Store(a, s)
	}
}

func (s *selection) complain(field string, rule request.Rule, detail string) {
	s.wrong = append(s.wrong, problem.FieldError{Field: field, Rule: string(rule), Detail: detail})
}

// unknown says that a name was looked up in vain.
func (s *selection) unknown() bool {
	return slices.ContainsFunc(s.wrong, func(f problem.FieldError) bool { return f.Rule == string(request.Unknown) })
}

// referenceForm is what a reference is made of: what is not is not repeated.
var referenceForm = regexp.MustCompile(`^[a-z][a-z0-9_@:]{0,199}$`)

// add takes a reference to a feature, a view or a service, see feature.Catalogue.Resolve.
func (s *selection) add(field, reference string) {
	if s.known.service(reference) {
		s.service(field, reference)
		return
	}
	found := s.resolve(field, reference)
	if found == nil {
		return
	}
	if len(found.Expressions) > 0 {
		s.complain(field, request.Type, "it is an expression: it is computed from a request, and not held for an entity")
		return
	}
	s.put(field, reference, found)
}

// service takes the features of a service. Its expressions are for who has the request that they are computed from.
func (s *selection) service(field, reference string) {
	if !s.known.service(reference) {
		s.complain(field, request.Unknown, "there is no such feature service; `loanops features list` shows those that there are")
		return
	}
	service, err := s.known.Service(reference)
	if err != nil {
		s.refuse(field, reference, err)
		return
	}
	held := false
	for _, of := range service.Service.Features {
		found := s.resolve(field, of)
		if found == nil {
			return
		}
		if len(found.Expressions) == 0 {
			held = true
			s.put(field, of, found)
		}
	}
	if !held {
		s.complain(field, request.Type, "it has expressions only: they are computed from a request, and not held for an entity")
	}
}

// resolve is nil where it complained.
func (s *selection) resolve(field, reference string) *feature.Resolved {
	found, err := s.known.Resolve([]string{reference})
	if err != nil {
		s.refuse(field, reference, err)
		return nil
	}
	return found
}

func (s *selection) refuse(field, reference string, err error) {
	switch {
	case !referenceForm.MatchString(reference):
		s.complain(field, request.Type, "view:feature, view@2:feature, a view or a feature service is wanted")
	case fault.CodeOf(err) == fault.NotFound:
		s.complain(field, request.Unknown, err.Error())
	default:
		s.complain(field, request.Type, err.Error())
	}
}

// put adds the features that a reference names, each once.
func (s *selection) put(field, reference string, found *feature.Resolved) {
	prefix, _, _ := strings.Cut(reference, ":")
	for _, f := range found.Features {
		version, of := found.Of(f)
		c := column{view: s.known.views[version], place: f.Feature, name: of.Name}
		if s.full {
			c.name = prefix + "__" + c.name
		}
		c.quoted = string(appendText(nil, c.name))
		if other, taken := s.named[c.name]; taken && other != c {
			s.complain(field, request.Repeated, fmt.Sprintf("another feature that is asked for is called %s as well; ask with full_feature_names", c.name))
		} else if !taken {
			s.named[c.name] = c
			s.columns = append(s.columns, c)
			if !slices.Contains(s.views, c.view) {
				s.views = append(s.views, c.view)
			}
		}
	}
}
