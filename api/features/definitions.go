package features

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/feature"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/request"
)

// definitions keeps what the register says, and looks again when that is older than every.
type definitions struct {
	register feature.Register
	every    time.Duration
	looking  sync.Mutex
	newest   atomic.Pointer[catalogue]
}

// get is what the register said lately.
func (d *definitions) get(ctx context.Context) (*catalogue, error) {
	current := d.newest.Load()
	if current != nil && time.Since(current.read) < d.every {
		return current, nil
	}
	if !d.looking.TryLock() {
		if current != nil { // somebody looks already
			return current, nil
		}
		d.looking.Lock()
	}
	defer d.looking.Unlock()
	return d.look(ctx)
}

// again is what the register says now: for who asks for what a moment ago was not there.
func (d *definitions) again(ctx context.Context) (*catalogue, error) {
	d.looking.Lock()
	defer d.looking.Unlock()
	return d.look(ctx)
}

func (d *definitions) look(ctx context.Context) (*catalogue, error) {
	current := d.newest.Load()
	if current == nil {
		current = &catalogue{}
	}
	read := time.Now()
	rows, err := d.register.Registered(ctx, int64(len(current.rows)))
	if err != nil {
		return nil, err
	}
	next := *current
	next.read = read
	if len(rows) > 0 || current.Catalogue == nil {
		if next, err = newCatalogue(slices.Concat(current.rows, rows)); err != nil {
			return nil, err
		}
		next.read = read
	}
	d.newest.Store(&next)
	return &next, nil
}

// catalogue is what can be asked for and posted. It does not change, except that it remembers what was asked.
type catalogue struct {
	*feature.Catalogue
	read  time.Time
	rows  []feature.Registered
	views map[*feature.Version]*view // of those that are not retired
	asked *remembered
}

// newCatalogue makes one of the register's rows.
func newCatalogue(rows []feature.Registered) (c catalogue, err error) {
	c = catalogue{rows: rows, views: map[*feature.Version]*view{}, asked: &remembered{}}
	if c.Catalogue, err = feature.NewCatalogue(rows); err != nil {
		return c, err
	}
	for _, name := range c.Names(feature.KindView) {
		for _, version := range c.live(name) {
			c.views[version] = newView(version)
		}
	}
	return c, nil
}

// live are the versions of a view that are not retired, oldest first.
func (c *catalogue) live(name string) []*feature.Version {
	return slices.DeleteFunc(c.Versions(feature.KindView, name), func(v *feature.Version) bool { return v.Stage == feature.Retired })
}

// posted is the version of a view by which rows are read: the one that its name means, or else the newest; nil of none.
func (c *catalogue) posted(name string) *view {
	var found *feature.Version
	for _, version := range c.live(name) {
		if found = version; version.Version == c.Active(feature.KindView, name) {
			break
		}
	}
	return c.views[found]
}

// service says that a reference names a service, whether or not that version of it is there.
func (c *catalogue) service(reference string) bool {
	name, _, _ := strings.Cut(reference, "@")
	return !strings.Contains(reference, ":") && len(c.Versions(feature.KindService, name)) > 0
}

// view is one version of a feature view.
type view struct {
	*feature.View
	version   int
	reader    *feature.Reader
	validator *feature.Validator
	inputs    []input // in the order of View.Inputs
	names     []string
	types     []pipeline.ColumnType // of the features
	// wrong is why this program cannot read what is posted to it, which it then refuses. What is held is right all the same, and so are other views.
	wrong error
}

// input is a column of posted rows.
type input struct {
	field  request.Field
	reader *request.Reader
}

func newView(version *feature.Version) *view {
	v := &view{View: version.View, version: version.Version, reader: version.View.Reader()}
	for i := range v.Features {
		v.types = append(v.types, v.TypeOf(&v.Features[i]))
	}
	if _, v.wrong = version.DecodeView(); v.wrong == nil {
		v.wrong = v.compile()
	}
	if v.wrong != nil {
		slog.Error("what is posted to a view cannot be read", "view", v.Name, "version", v.version, "error", v.wrong.Error())
	}
	return v
}

// compile makes what posted rows are read with.
func (v *view) compile() (err error) {
	if v.validator, err = v.Validator(); err != nil {
		return err
	}
	for _, column := range v.Taken() {
		field := request.FieldOf(column, v.Clean)
		reader, err := request.NewReader(field)
		if err != nil {
			return fault.Wrap(fault.CodeOf(err), err, "column %s", column.Name)
		}
		v.inputs, v.names = append(v.inputs, input{field, reader}), append(v.names, column.Name)
	}
	return nil
}
