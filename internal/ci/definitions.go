package ci

import (
	"errors"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/loanops/loanops/internal/derive"
	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/pipeline"
)

// usualFeatures are the files of feature definitions, where ci.yaml names no others.
const usualFeatures = "features/*.yaml"

// Over is what a repository is read over: the feature store as it is, or as it was when the commit was looked at first.
type Over struct {
	// Registered is what the feature store has declared; nil of nothing.
	Registered *feature.Catalogue
	// Keep puts a file of the repository where workers find it, and says where: the rows of a view are read by others than those who test the commit. Without it
	// definitions of the repository are not read.
	Keep func(path string) (uri string, err error)
	// Query holds the SQL of a view against the views that it reads, see warehouse.CheckQuery; nil where that was done before.
	Query func(view *feature.View, from []*feature.View) error
	// Lock is what the features of the spec came to before: what is registered now changes nothing of that.
	Lock *feature.Lock
}

// define reads the definitions of the repository over what is registered, and gives the spec the columns that its features come to. What is wrong with either is
// noted in faults; an error is of what could not be looked at.
func (r *Repository) define(tree *Tree, over Over) (faults []error, err error) {
	catalogue := over.Registered
	if catalogue == nil {
		catalogue = &feature.Catalogue{}
	}
	var folder *feature.Folder
	if len(r.DefinitionFiles) > 0 && over.Keep != nil {
		if folder, faults, err = r.definitions(tree, catalogue, over.Keep); len(faults) > 0 || err != nil {
			return faults, err
		}
		catalogue = catalogue.With(folder.Definitions)
		r.Definitions = folder.Definitions
		if faults, err = r.queries(folder, catalogue, over.Query); len(faults) > 0 || err != nil {
			return faults, err
		}
	}
	if !r.featured() {
		return nil, nil
	}
	if r.ownRows(tree); over.Lock != nil {
		if catalogue, err = over.Lock.Catalogue(); err != nil {
			return nil, err
		}
	}
	if !r.look(catalogue, folder) {
		return nil, nil // that is noted in the document
	}
	lock, err := catalogue.Lock(r.Spec.Features)
	r.Lock = &lock
	return nil, err
}

// featured says that the repository has to do with the feature store.
func (r *Repository) featured() bool { return len(r.DefinitionFiles) > 0 || len(r.Spec.Features) > 0 }

// definitions reads the files of definitions.
func (r *Repository) definitions(tree *Tree, registered *feature.Catalogue, keep func(string) (string, error)) (folder *feature.Folder, faults []error, err error) {
	var files []feature.File
	dir := path.Dir(r.DefinitionFiles[0])
	for _, name := range r.DefinitionFiles {
		file, _ := tree.File(name)
		files = append(files, feature.File{Name: name, Data: file.Data})
		if path.Dir(name) != dir {
			return nil, []error{fault.New(fault.Invalid, "%s:1:1: feature definitions lie in one folder, and others of this repository are in %s; move it there", name, dir)}, nil
		}
	}
	if folder, err = feature.Read(files, registered); err != nil {
		return nil, []error{err}, nil //nolint:nilerr // it is the commit's fault
	}
	err = folder.Relocate(func(view, uri string) (string, error) {
		within := path.Join(dir, uri)
		found := tree.named(within)
		switch {
		case filepath.IsAbs(uri): // of the machine that computes
			return uri, nil
		case within == ".." || strings.HasPrefix(within, "../"):
			return "", fault.New(fault.Invalid, "%s: %q leads out of the repository; name a store, or rows that are committed", folder.At(view, "source"), uri)
		case len(found) != 1:
			return "", fault.New(fault.Invalid, "%s: %q means %d files of the repository; a view that is published names one file of it, a whole path, or a store", folder.At(view, "source"), uri, len(found))
		}
		return keep(found[0])
	})
	if fault.CodeOf(err) == fault.Invalid {
		return nil, []error{err}, nil
	}
	return folder, nil, err
}

// ownRows finds the files of the repository that its views name as their source, where ci.yaml names no others. What is wrong with the definitions is told by definitions.
func (r *Repository) ownRows(tree *Tree) {
	for _, name := range r.DefinitionFiles {
		file, _ := tree.File(name)
		var declared feature.Definitions
		if _, err := pipeline.ReadDocument(name, "the feature definitions", "", file.Data, &declared); err != nil {
			continue
		}
		_ = declared.Relocate(func(view, uri string) (string, error) {
			found := tree.named(path.Join(path.Dir(name), uri))
			if _, named := r.ViewRows[view]; !named && len(found) == 1 && !filepath.IsAbs(uri) {
				r.ViewRows[view] = found[0]
			}
			return uri, nil
		})
	}
}

// queries holds the SQL of the repository's views against the views that it reads.
func (r *Repository) queries(folder *feature.Folder, catalogue *feature.Catalogue, query func(*feature.View, []*feature.View) error) (faults []error, err error) {
	if query == nil {
		return nil, nil
	}
	for i := range folder.Views {
		if folder.Views[i].SQL == nil {
			continue
		}
		v, err := catalogue.View(folder.Views[i].Name)
		if err != nil {
			return nil, err
		}
		from := make([]*feature.View, len(v.View.SQL.From))
		for k, name := range v.View.SQL.From {
			of, err := catalogue.View(name)
			if err != nil {
				return nil, err
			}
			from[k] = of.View
		}
		err = query(v.View, from)
		var wrong *feature.QueryError
		switch {
		case errors.As(err, &wrong):
			at, text := folder.Within(v.Name, *wrong)
			faults = append(faults, fault.New(fault.Invalid, "%s: the query of view %q: %s", at, v.Name, text))
		case fault.CodeOf(err) == fault.Invalid:
			faults = append(faults, fault.New(fault.Invalid, "%s: %s", folder.At(v.Name, "sql.query"), err))
		case err != nil:
			return nil, err
		}
	}
	return faults, nil
}

// look gives the spec the columns that its features come to, and says whether nothing is wrong with them. What is wrong is noted in the spec's document, with the place
// of an expression that stands in a file of definitions.
func (r *Repository) look(catalogue *feature.Catalogue, folder *feature.Folder) (whole bool) {
	whole = true
	for i, name := range r.Spec.Features {
		if _, err := catalogue.Resolve([]string{name}); err != nil {
			r.document.Wrong(index("features", i), "%s", err)
			whole = false
		}
	}
	if !whole {
		return false
	}
	columns, err := catalogue.Columns(r.Spec)
	if err != nil {
		if undecided := (*feature.UndecidedError)(nil); errors.As(err, &undecided) {
			r.document.Wrong("feature_store.missing", "%s", undecided)
		} else {
			r.document.Wrong("features", "%s", err)
		}
		return false
	}
	r.Spec.Look(columns)
	// The names that an expression reads of a request are columns of this spec, and of types that it can read.
	if _, err := derive.New(slices.Concat(r.Spec.Columns, r.Spec.Inputs)); err != nil {
		where := ""
		if folder != nil {
			for _, e := range folder.Expressions {
				if strings.HasPrefix(err.Error(), "the expression of "+e.Name+": ") {
					where = " (" + folder.AtExpression(e.Name, "expression") + ")"
				}
			}
		}
		r.document.Wrong("features", "%s%s", err, where)
		return false
	}
	return whole
}

// viewRows checks which rows ci.yaml names for views.
func (c *config) viewRows(tree *Tree, r *Repository, d *pipeline.Document) {
	for view, file := range c.Views {
		found := tree.named(file)
		if len(found) != 1 {
			d.Wrong("views."+view, "%q means %d files of the repository; one is wanted, with rows as the view's source has them", file, len(found))
			continue
		}
		r.ViewRows[view] = found[0]
	}
}

// needless notes views that ci.yaml names rows for and that no feature of the spec needs.
func (c *config) needless(r *Repository, d *pipeline.Document) {
	for view := range c.Views {
		needed := r.Lock != nil && slices.ContainsFunc(r.Lock.Definitions, func(of feature.Locked) bool { return of.Kind == feature.KindView && of.Name == view })
		if !needed {
			d.Wrong("views."+view, "no feature of the spec is of a view %q; leave it out", view)
		}
	}
}

// NameOf is what the pipeline in a tree is called; empty where that cannot be read.
func NameOf(tree *Tree) string {
	r, _, _, err := open(tree)
	if err != nil {
		return ""
	}
	return r.Spec.Name
}

// Featured says that the repository in a tree has to do with the feature store: what its features come to is not in its files alone.
func Featured(tree *Tree) bool {
	r, _, _, err := open(tree)
	return err == nil && r.featured()
}

// joined are faults as one, a line for each mistake; nil without any.
func joined(faults ...error) error {
	if err := errors.Join(faults...); err != nil {
		return fault.New(fault.Invalid, "%s", err)
	}
	return nil
}
