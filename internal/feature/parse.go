package feature

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
)

// File is one file of definitions.
type File struct {
	Name string
	Data []byte
}

// Folder is what the files of a folder declare together.
type Folder struct {
	Definitions
	parts []part
}

// part is what one file declares.
type part struct {
	Definitions
	*pipeline.Document
}

// Parse is Read of one file that stands alone, for those who also want to know where a value stands.
func Parse(file string, data []byte) (Definitions, *pipeline.Document, error) {
	folder, err := Read([]File{{Name: file, Data: data}}, nil)
	if err != nil {
		return Definitions{}, nil, err
	}
	return folder.Definitions, folder.parts[0].Document, nil
}

// Read reads the files of a folder, strictly: an unknown key, a wrong type, a missing or a contradictory value is a fault.Invalid whose text has one line
// `file:line:column: what is wrong; what would be right` for every mistake of every file. What values mean together is looked at once every key and type
// is right. What the files do not declare, and name all the same, may be registered. Defaults are filled in.
func Read(files []File, registered *Catalogue) (*Folder, error) {
	switch {
	case len(files) == 0:
		return nil, fault.New(fault.Invalid, "there is no file of definitions; a folder with files such as applicants.yaml is wanted")
	case len(files) > maxFiles:
		return nil, fault.New(fault.Invalid, "%d files; a folder has at most %d", len(files), maxFiles)
	}
	folder := &Folder{}
	var mistakes []string
	for _, f := range files {
		if !utf8.Valid(f.Data) {
			mistakes = append(mistakes, fmt.Sprintf("%s:1:1: it is not UTF-8; write it in UTF-8", f.Name))
			continue
		}
		p := part{}
		var err error
		if p.Document, err = pipeline.ReadDocument(f.Name, "the feature definitions", "", f.Data, &p.Definitions); err != nil {
			mistakes = append(mistakes, err.Error())
			continue
		}
		folder.parts = append(folder.parts, p)
	}
	if len(mistakes) > 0 {
		return nil, fault.New(fault.Invalid, "%s", strings.Join(mistakes, "\n"))
	}
	for i := range folder.parts {
		p := &folder.parts[i]
		folder.Entities = append(folder.Entities, p.Entities...)
		folder.Views = append(folder.Views, p.Views...)
		folder.Expressions = append(folder.Expressions, p.Expressions...)
		folder.Services = append(folder.Services, p.Services...)
	}
	if registered == nil {
		registered = &Catalogue{}
	}
	folder.fill(registered)
	newRules(folder, registered).check()
	for _, p := range folder.parts {
		if err := p.Fault(); err != nil {
			mistakes = append(mistakes, err.Error())
		}
	}
	if len(mistakes) > 0 {
		return nil, fault.New(fault.Invalid, "%s", strings.Join(mistakes, "\n"))
	}
	return folder, nil
}

// fill puts in what a file may leave out.
func (f *Folder) fill(registered *Catalogue) {
	keys := map[string][]string{}
	for _, e := range f.Entities {
		keys[e.Name] = e.Keys
	}
	for i := range f.Views {
		v := &f.Views[i]
		v.Keys = slices.Clone(keys[v.Entity])
		if e := registered.meant(KindEntity, v.Entity); len(v.Keys) == 0 && e != nil {
			v.Keys = slices.Clone(e.Entity.Keys)
		}
		if v.Source == nil {
			v.EventTimestamp, v.CreatedTimestamp = cmp.Or(v.EventTimestamp, eventColumn), cmp.Or(v.CreatedTimestamp, createdColumn)
		}
		types := map[string]pipeline.ColumnType{}
		for _, column := range []string{v.EventTimestamp, v.CreatedTimestamp} {
			if column != "" {
				types[column] = pipeline.Timestamp
			}
		}
		for column, of := range v.Types {
			types[column] = of
		}
		v.Types = types
		pipeline.FillRules(v.Rules)
		for k := range v.Features {
			v.Features[k].Default = plain(v.Features[k].Default)
		}
	}
}

// plain is a value of YAML as JSON has it, so that what is read from either is equal.
func plain(value any) any {
	switch n := value.(type) {
	case int:
		return float64(n)
	case int64:
		return float64(n)
	case uint64:
		return float64(n)
	}
	return value
}

// AtExpression is file:line:column of what an expression has at a path, as At is of a view's.
func (f *Folder) AtExpression(expression, path string) string {
	for _, p := range f.parts {
		for i := range p.Expressions {
			if p.Expressions[i].Name == expression {
				return p.At(fmt.Sprintf("expressions[%d].%s", i, path))
			}
		}
	}
	return "expression " + expression
}

// At is file:line:column of what a view has at a path such as sql.query, for whoever finds a mistake in it.
func (f *Folder) At(view, path string) string {
	for _, p := range f.parts {
		for i := range p.Views {
			if p.Views[i].Name == view {
				return p.At(viewPath(i) + "." + path)
			}
		}
	}
	return "view " + view
}
