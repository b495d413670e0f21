package feature

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/loanops/loanops/internal/pipeline"
)

// Limits of what a folder declares, and of its texts in bytes.
const (
	maxFiles       = 200
	maxDefinitions = 200 // of views; others may be five times as many
	maxFeatures    = 500 // of a view; as many columns
	maxKeys        = 8
	maxRules       = 100
	maxSteps       = 200
	maxFrom        = 20
	maxReferences  = 1000
	maxDomain      = 1000
	maxTags        = 20
	maxTag         = 40
	maxOwner       = 100
	maxUnit        = 40
	maxDescription = 2000
	maxQuery       = 64 << 10
	maxDays        = 1100
)

// The names of the columns of time where the feed's are not the writer's.
const (
	eventColumn   = "event_timestamp"
	createdColumn = "created_timestamp"
	ownPrefix     = "loanops_"
)

var namePattern = regexp.MustCompile(`^[a-z][a-z0-9_]{0,62}$`)

// wantedName is what a name is wanted to be.
const wantedName = "lower-case letters, digits and underscores are wanted, a letter first, at most 63"

// rules looks at what the definitions of a folder mean together.
type rules struct {
	folder     *Folder
	registered *Catalogue
	*part      // the file that is looked at
	over       *Catalogue
	spoken     map[string]string // of the one name space: where a name was declared
	entities   map[string]string
	total      map[Kind]int
}

func newRules(folder *Folder, registered *Catalogue) *rules {
	return &rules{folder: folder, registered: registered, spoken: map[string]string{}, entities: map[string]string{}, total: map[Kind]int{}}
}

func viewPath(i int) string { return fmt.Sprintf("views[%d]", i) }

func (r *rules) check() {
	for i := range r.folder.parts {
		r.part = &r.folder.parts[i]
		r.declare()
	}
	first := 0 // of the folder's views, which have what was filled in
	for i := range r.folder.parts {
		r.part = &r.folder.parts[i]
		for k := range r.Entities {
			r.entity(fmt.Sprintf("entities[%d]", k), &r.Entities[k])
		}
		r.Views = r.folder.Views[first : first+len(r.Views)]
		first += len(r.Views)
		for k := range r.Views {
			r.view(viewPath(k), &r.Views[k])
		}
	}
	r.cycles()
	r.over = r.registered.with(r.folder.Definitions).Catalogue
	for i := range r.folder.parts {
		r.part = &r.folder.parts[i]
		for k := range r.Views {
			r.reads(viewPath(k), &r.Views[k])
		}
		for k := range r.Expressions {
			r.expression(fmt.Sprintf("expressions[%d]", k), &r.Expressions[k])
		}
		for k := range r.Services {
			r.service(fmt.Sprintf("services[%d]", k), &r.Services[k])
		}
	}
}

// declare notes every name, each of which is of one definition.
func (r *rules) declare() {
	for i, e := range r.Entities {
		r.claim(KindEntity, fmt.Sprintf("entities[%d]", i), e.Name, r.entities)
	}
	for i, v := range r.Views {
		r.claim(KindView, viewPath(i), v.Name, r.spoken)
	}
	for i, e := range r.Expressions {
		r.claim(KindExpression, fmt.Sprintf("expressions[%d]", i), e.Name, r.spoken)
	}
	for i, s := range r.Services {
		r.claim(KindService, fmt.Sprintf("services[%d]", i), s.Name, r.spoken)
	}
}

func (r *rules) claim(kind Kind, path, name string, space map[string]string) {
	path += ".name"
	most := maxDefinitions
	if kind != KindView {
		most *= 5
	}
	if r.total[kind]++; r.total[kind] > most {
		if r.total[kind] == most+1 {
			r.Wrong(path, "a folder has at most %d definitions of this kind", most)
		}
		return // rather than a line about each
	}
	if !r.name(path, string(kind), name) {
		return
	}
	if where, taken := space[name]; taken {
		r.Wrong(path, "%q is declared at %s already; views, expressions and services have one name space, entities another", name, where)
		return
	}
	space[name] = r.At(path)
	for _, other := range []Kind{KindView, KindExpression, KindService} {
		if kind != KindEntity && other != kind && r.registered.has(other, name) {
			r.Wrong(path, "%q is registered as %s; views, expressions and services have one name space: give another name", name, pipeline.Article(string(other)))
		}
	}
}

// name checks one that the store gives meaning to: of a definition, a feature, a key or a column.
func (r *rules) name(path, what, name string) bool {
	switch {
	case !namePattern.MatchString(name):
		r.Wrong(path, "name %q of %s; %s", clip(name), pipeline.Article(what), wantedName)
	case name == eventColumn || name == createdColumn || strings.HasPrefix(name, ownPrefix):
		r.Wrong(path, "name %q of %s; event_timestamp, created_timestamp and names that begin with loanops_ are the store's own", clip(name), pipeline.Article(what))
	default:
		return true
	}
	return false
}

// line checks a text of people: one line, not too long.
func (r *rules) line(path, what, text string, most int) {
	if len(text) > most {
		r.Wrong(path, "%s has %d bytes; at most %d are wanted", what, len(text), most)
	}
	if strings.ContainsFunc(text, unicode.IsControl) {
		r.Wrong(path, "%s has a control character, such as a line break; one line of text is wanted", what)
	}
}

func (r *rules) about(path string, a *About) {
	if len(a.Description) > maxDescription {
		r.Wrong(path+".description", "description has %d bytes; at most %d are wanted", len(a.Description), maxDescription)
	}
	r.line(path+".owner", "owner", a.Owner, maxOwner)
	if len(a.Tags) > maxTags {
		r.Wrong(path+".tags", "%d tags; at most %d are wanted", len(a.Tags), maxTags)
		return
	}
	for i, tag := range a.Tags {
		at := fmt.Sprintf("%s.tags[%d]", path, i)
		if tag == "" || slices.Contains(a.Tags[:i], tag) {
			r.Wrong(at, "tag %q; a word is wanted, each once", clip(tag))
		}
		r.line(at, "a tag", tag, maxTag)
	}
}

func (r *rules) entity(path string, e *Entity) {
	r.about(path, &e.About)
	if len(e.Keys) == 0 || len(e.Keys) > maxKeys {
		r.Wrong(path+".keys", "entity %q has %d keys; the 1 to %d columns that identify it are wanted", clip(e.Name), len(e.Keys), maxKeys)
		return
	}
	for i, key := range e.Keys {
		at := fmt.Sprintf("%s.keys[%d]", path, i)
		if r.name(at, "key", key) && slices.Contains(e.Keys[:i], key) {
			r.Wrong(at, "key %q stands twice", key)
		}
	}
}

// unit and reason are as a pipeline's column has them.
func (r *rules) words(path string, name, unit, reason string, of pipeline.ColumnType) {
	r.line(path+".unit", "unit", unit, maxUnit)
	r.CheckColumn(path, pipeline.Column{Name: name, Type: of, Reason: reason})
}

// clip keeps a message short whatever the file holds.
func clip(text string) string {
	if len(text) > 40 {
		return text[:40] + "…"
	}
	return text
}
