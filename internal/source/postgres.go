package source

import (
	"bufio"
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
)

const (
	connectTimeout = 10 * time.Second
	// prepareTimeout is how long the database may take to say what a query's columns are.
	prepareTimeout = time.Minute
	// stallTimeout is how long the database may send nothing: sorting comes before the first row.
	stallTimeout = 10 * time.Minute
)

// postgres is a relation of a database: the text of a COPY, cut and decoded like a CSV file. One transaction sees one state of the database.
type postgres struct {
	*text
	format *postgresFormat
}

// OpenPostgres opens a table or a query of the database that the URL names. Nothing in the URL gets into messages.
func OpenPostgres(ctx context.Context, r pipeline.Relation, url string, o Options) (Relation, error) {
	d := database{name: r.Postgres.Connection, query: strings.TrimRight(r.Postgres.Query, "; \t\r\n")}
	conn, err := d.connect(ctx, url)
	if err != nil {
		return nil, err
	}
	relation, err := openPostgres(ctx, conn, d, r, o)
	if err != nil {
		closeConnection(conn)
		return nil, err
	}
	return relation, nil
}

func openPostgres(ctx context.Context, conn *pgconn.PgConn, d database, r pipeline.Relation, o Options) (*postgres, error) {
	from := d.from(r.Postgres)
	described, err := d.begin(ctx, conn, from)
	if err != nil {
		return nil, err
	}
	where := d.String()
	has := make([]string, len(described))
	for i, column := range described {
		has[i] = column.Name
	}
	if len(has) == 0 {
		return nil, fault.New(fault.Invalid, "%s: the rows have no columns", where)
	}
	if _, err := named(where, has); err != nil {
		return nil, err
	}
	chosen, err := choose(r, where, has)
	if err != nil {
		return nil, err
	}
	f := &postgresFormat{csvFormat: csvFormat{comma: ',', quote: '"', relation: chosen}, database: d, conn: conn}
	f.orderBy = strings.Join(r.Postgres.OrderBy, ", ")
	f.copy = "COPY (SELECT " + tie(r.Postgres) + ", " + selected(chosen.from, described) + from + ") TO STDOUT (FORMAT csv, HEADER)"
	layout := newLayout(chosen.names, r.Missing, make([]bool, len(chosen.names)))
	return &postgres{text: newText(f, chosen, layout, []File{{Name: where}}, o), format: f}, nil
}

// Next cuts the next slice off; the end of ctx ends the waiting for the database.
func (p *postgres) Next(ctx context.Context) (Slice, error) {
	stop := context.AfterFunc(ctx, p.format.abort)
	defer stop()
	slice, err := p.text.Next(ctx)
	if err != nil && ctx.Err() != nil {
		return Slice{}, ctx.Err()
	}
	return slice, err
}

// Close ends the transaction, finished or not.
func (p *postgres) Close() error {
	p.format.abort()
	err := p.text.Close()
	closeConnection(p.format.conn)
	return err
}

func closeConnection(conn *pgconn.PgConn) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = conn.Close(ctx) // nothing was written
}

// postgresFormat opens the one stream of a relation.
type postgresFormat struct {
	csvFormat
	database database
	conn     *pgconn.PgConn
	copy     string
	orderBy  string

	mu      sync.Mutex
	aborted bool
	cancel  context.CancelFunc
	rowsOut *io.PipeReader
}

// open starts the copying. Its context is not the caller's, who comes again for every slice.
func (f *postgresFormat) open(ctx context.Context, file File, b *budget) (*textFile, error) {
	copying, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	reader, writer := io.Pipe()
	f.mu.Lock()
	f.cancel, f.rowsOut = func() { cancel(context.Canceled) }, reader
	aborted := f.aborted
	f.mu.Unlock()
	if aborted {
		f.abort()
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer cancel(nil)
		writer.CloseWithError(f.copyTo(copying, cancel, writer))
	}()
	s := &copyStream{Reader: &counted{from: reader, name: file.Name, budget: b}, abort: f.abort, done: done}
	t := f.file(s, file.Name)
	header, err := f.readHeader(ctx, t)
	if err == nil {
		err = f.place(t, header)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return t, nil
}

var errStalled = errors.New("the database sends nothing")

// copyTo copies until the rows end.
func (f *postgresFormat) copyTo(ctx context.Context, cancel context.CancelCauseFunc, to io.Writer) error {
	buffered := bufio.NewWriterSize(to, readBytes) // the database sends row by row
	ordered := &untied{to: buffered, where: f.database, orderBy: f.orderBy}
	w := watched{to: ordered, stalled: time.AfterFunc(stallTimeout, func() { cancel(errStalled) })}
	defer w.stalled.Stop()
	_, err := f.conn.CopyTo(ctx, w, f.copy)
	switch {
	case errors.Is(context.Cause(ctx), errStalled):
		return fault.New(fault.Unavailable, "%s: the database has sent nothing for %s", f.database, stallTimeout)
	case ctx.Err() != nil:
		return ctx.Err()
	case fault.CodeOf(err) == fault.Invalid:
		return err
	case err != nil:
		return f.database.fault(err, f.copy)
	}
	return buffered.Flush()
}

// watched is a writer whose reader may be slow, but whose own writer may not.
type watched struct {
	to      io.Writer
	stalled *time.Timer
}

// Write passes rows on.
func (w watched) Write(p []byte) (int, error) {
	w.stalled.Stop()
	defer w.stalled.Reset(stallTimeout)
	return w.to.Write(p)
}

// abort ends the copying, before it begins or in its midst.
func (f *postgresFormat) abort() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.aborted = true
	if f.cancel != nil {
		f.cancel()
		f.rowsOut.CloseWithError(context.Canceled)
	}
}

// copyStream is the text of a COPY.
type copyStream struct {
	io.Reader
	abort func()
	done  chan struct{}
}

// Close waits until nobody uses the connection.
func (s *copyStream) Close() error {
	s.abort()
	<-s.done
	return nil
}
