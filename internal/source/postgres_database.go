package source

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
)

// database is one of the worker's connections, as messages speak of it, and the query that it is asked, if any.
type database struct {
	name  string
	query string
}

// String is the name for messages; the URL is a secret.
func (d database) String() string { return "connection " + d.name }

func (d database) connect(ctx context.Context, url string) (*pgconn.PgConn, error) {
	config, err := pgconn.ParseConfig(url)
	if err != nil {
		return nil, fault.New(fault.Invalid, "%s: its URL is not well-formed; postgres://user:password@host:port/database is wanted", d)
	}
	config.ConnectTimeout = connectTimeout
	config.RuntimeParams["application_name"] = "loanops"
	bounded, cancel := context.WithTimeout(ctx, connectTimeout)
	defer cancel()
	conn, err := pgconn.ConnectConfig(bounded, config)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, d.fault(err, "")
	}
	return conn, nil
}

// settings make texts the same whoever set up the database, and bound what a reader can hold up: a lock that it waits for, and a transaction
// that nobody reads from. Texts of floating-point numbers are the shortest that are exact.
const settings = `BEGIN ISOLATION LEVEL REPEATABLE READ; SET TRANSACTION READ ONLY;
SET LOCAL client_encoding = 'UTF8'; SET LOCAL datestyle = 'ISO, YMD'; SET LOCAL intervalstyle = 'iso_8601'; SET LOCAL timezone = 'UTC';
SET LOCAL extra_float_digits = 3; SET LOCAL bytea_output = 'hex';
SET LOCAL lock_timeout = '30s'; SET LOCAL statement_timeout = '2h'; SET LOCAL idle_in_transaction_session_timeout = '10min'`

// begin begins the transaction and asks for the columns. Preparing takes exactly one statement, and from holds the query within parentheses: a
// query that closes them, or is several, or writes, is refused here or by the transaction.
func (d database) begin(ctx context.Context, conn *pgconn.PgConn, from string) ([]pgconn.FieldDescription, error) {
	bounded, cancel := context.WithTimeout(ctx, prepareTimeout)
	defer cancel()
	_, err := conn.Exec(bounded, settings).ReadAll()
	if err == nil {
		var description *pgconn.StatementDescription
		if description, err = conn.Prepare(bounded, "", "SELECT *"+from, nil); err == nil {
			return description.Fields, nil
		}
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return nil, d.fault(err, "SELECT *"+from)
}

// from is what follows the columns in the statement: the rows in their order, which is that of the window as well, so that they are sorted once. The
// line feed ends a comment at the query's end.
func (d database) from(p *pipeline.Postgres) string {
	rows := pgx.Identifier(strings.Split(p.Table, ".")).Sanitize()
	if p.Query != "" {
		rows = "(\n" + d.query + "\n)"
	}
	order := " ORDER BY " + strings.Join(keys(p), ", ")
	return " FROM " + rows + " AS source WINDOW loanops AS (" + strings.TrimSpace(order) + ")" + order
}

// keys are the columns that order the rows.
func keys(p *pipeline.Postgres) []string {
	quoted := make([]string, len(p.OrderBy))
	for i, name := range p.OrderBy {
		quoted[i] = "source." + pgx.Identifier{name}.Sanitize()
	}
	return quoted
}

// tie is a column that is true of a row that order_by does not tell from the row before it. The database compares: 1.0 and 1.00 are two texts and
// one number, and so are texts under some collations. Of the first row it says nothing.
func tie(p *pipeline.Postgres) string {
	equal := keys(p)
	for i, key := range equal {
		equal[i] = key + " IS NOT DISTINCT FROM lag(" + key + ") OVER loanops"
	}
	return strings.Join(equal, " AND ") + " AS loanops_tie"
}

// selected is the list of columns. Truth values become true and false, as they are in JSON and Parquet. A row whose only value is null would
// be a blank line, which is no row: there the empty text, which COPY quotes, stands for null.
func selected(names []string, of []pgconn.FieldDescription) string {
	types := make(map[string]uint32, len(of))
	for _, column := range of {
		types[column.Name] = column.DataTypeOID
	}
	list := make([]string, len(names))
	for i, name := range names {
		quoted := pgx.Identifier{name}.Sanitize()
		list[i] = "source." + quoted
		if types[name] == pgtype.BoolOID {
			list[i] += "::text"
		}
		if len(names) == 1 {
			list[i] = "coalesce(" + list[i] + "::text, '')"
		}
		list[i] += " AS " + quoted
	}
	return strings.Join(list, ", ")
}

// fault makes a message of an error that holds no credentials and no values. Of what the database says, only what is about the statement is
// passed on: other messages quote rows.
func (d database) fault(err error, statement string) error {
	var reported *pgconn.PgError
	var network *net.OpError
	var dns *net.DNSError
	switch {
	case errors.As(err, &reported):
		return d.reported(reported, statement)
	case errors.As(err, &dns):
		return fault.New(fault.Unavailable, "%s: its host is not found", d)
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return fault.New(fault.Unavailable, "%s: the database does not answer in time", d)
	case errors.As(err, &network):
		return fault.New(fault.Unavailable, "%s: the database does not answer: %s", d, network.Err)
	}
	return fault.New(fault.Unavailable, "%s: the connection broke, or the server is no PostgreSQL", d)
}

func (d database) reported(e *pgconn.PgError, statement string) error {
	switch class := e.Code[:min(2, len(e.Code))]; {
	case class == "28":
		return fault.New(fault.Unauthorized, "%s: the database refuses the user or the password", d)
	case e.Code == "3D000":
		return fault.New(fault.Invalid, "%s: there is no such database", d)
	case e.Code == "25006":
		return fault.New(fault.Invalid, "%s: the query writes; only reading is allowed", d)
	case e.Code == "57014":
		return fault.New(fault.Unavailable, "%s: the database cancelled the query, which may have taken too long", d)
	case class == "42" || class == "0A": // syntax, names and rights: about the statement
		return fault.New(fault.Invalid, "%s%s: %s", d, d.position(e, statement), clipTo(e.Message, 200))
	case class == "22" || class == "21" || class == "2F" || class == "38" || class == "P0":
		return fault.New(fault.Invalid, "%s%s: the database cannot evaluate the query on the rows (SQLSTATE %s)", d, d.position(e, statement), e.Code)
	}
	return fault.New(fault.Unavailable, "%s: the database ended the query (SQLSTATE %s)", d, e.Code)
}

// position is where in the query an error is, where it is there.
func (d database) position(e *pgconn.PgError, statement string) string {
	before, _, found := strings.Cut(statement, d.query)
	at := int(e.Position) - 1 - len([]rune(before))
	query := []rune(d.query)
	if !found || d.query == "" || e.Position == 0 || at < 0 || at > len(query) {
		return ""
	}
	lines := strings.Split(string(query[:at]), "\n")
	return fmt.Sprintf(": query, line %d, column %d", len(lines), 1+len([]rune(lines[len(lines)-1])))
}
