package pipeline

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/goccy/go-yaml/token"

	"github.com/loanops/loanops/internal/fault"
)

// Resolve makes the relative local paths of a spec absolute: they are relative to the folder of the spec's file. The rest of the text stays as it
// is. data is what Parse has accepted.
func Resolve(file string, data []byte) ([]byte, error) {
	folder, err := filepath.Abs(filepath.Dir(file))
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "%s", file)
	}
	return Relocate(file, data, func(uri string) (string, error) {
		if filepath.IsAbs(uri) {
			return uri, nil
		}
		return filepath.Join(folder, uri), nil
	})
}

// Relocate puts what to says in place of the local paths of a spec. The rest of the text stays as it is. data is what Parse has accepted.
func Relocate(file string, data []byte, to func(uri string) (string, error)) ([]byte, error) {
	spec, d, err := ParseDocument(file, data)
	if err != nil {
		return nil, err
	}
	lines := strings.SplitAfter(string(data), "\n")
	for path, uri := range spec.uris() {
		if strings.Contains(uri, "://") {
			continue
		}
		now, err := to(uri)
		if err != nil {
			return nil, err
		}
		at := d.c.at[path]
		if now != uri && !replace(lines, at, uri, now) {
			return nil, fault.New(fault.Invalid, "%s:%d:%d: %s is a relative path and must stand on one line, as it is or in double quotes", file, at.Line, at.Column, path)
		}
	}
	return []byte(strings.Join(lines, "")), nil
}

// uris are where the spec's data lie, by the path of the key.
func (s *Spec) uris() map[string]string {
	found := map[string]string{}
	for i, r := range s.Relations() {
		path := "source"
		switch {
		case i > len(s.Source.Join):
			path = "outcomes"
		case i > 0:
			path = fmt.Sprintf("source.join[%d]", i-1)
		}
		switch kinds := r.kinds(); {
		case len(kinds) == 0 || r.Postgres != nil:
		case kinds[0] == "uri":
			found[path+".uri"] = r.URI
		default:
			found[path+"."+kinds[0]+".uri"] = r.FilesURI()
		}
	}
	return found
}

// Relations are the base, what is joined to it, and the outcomes where they are of their own.
func (s *Spec) Relations() []*Relation {
	all := []*Relation{&s.Source.Relation}
	for i := range s.Source.Join {
		all = append(all, &s.Source.Join[i].Relation)
	}
	if s.Outcomes != nil {
		all = append(all, &s.Outcomes.Relation)
	}
	return all
}

// Local says that the relation is files of a machine.
func (r *Relation) Local() bool {
	uri := r.FilesURI()
	return uri != "" && !strings.Contains(uri, "://")
}

// replace puts another text, in double quotes, in place of a scalar; false when the scalar is written in another way.
func replace(lines []string, at token.Position, old, now string) bool {
	if at.Line < 1 || at.Line > len(lines) {
		return false
	}
	line := []rune(lines[at.Line-1])
	if at.Column < 1 || at.Column > len(line) {
		return false
	}
	quoted, err := json.Marshal(now) // a JSON string is one of YAML's
	if err != nil {
		return false
	}
	rest := string(line[at.Column-1:])
	for _, written := range []string{`"` + old + `"`, "'" + old + "'", old} {
		if after, found := strings.CutPrefix(rest, written); found {
			lines[at.Line-1] = string(line[:at.Column-1]) + string(quoted) + after
			return true
		}
	}
	return false
}
