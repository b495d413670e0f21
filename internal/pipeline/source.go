package pipeline

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
)

// Source says where rows come from: a relation, or Simulate, and relations that are joined to it.
type Source struct {
	Relation `yaml:",inline"`
	Simulate *Simulate `yaml:"simulate" json:"simulate,omitempty"`
	// KnownAt is the day on which the data were known, against which labels mature and future dates show. Without it that is the run's
	// as-of day, for the rows of the simulator its last, else the day of the extraction.
	KnownAt *Date `yaml:"known_at" json:"known_at,omitempty"`
	// Join adds columns of further relations to the rows, in this order.
	Join []Join `yaml:"join" json:"join,omitempty"`
}

// Relation is one set of rows with named columns: exactly one of URI, CSV, Parquet, JSONL and Postgres.
type Relation struct {
	// URI is short for files whose extension says what they are (.csv, .parquet, .jsonl, the texts also .gz): see Files.
	URI      string    `yaml:"uri" json:"uri,omitempty"`
	CSV      *CSV      `yaml:"csv" json:"csv,omitempty"`
	Parquet  *Files    `yaml:"parquet" json:"parquet,omitempty"`
	JSONL    *Files    `yaml:"jsonl" json:"jsonl,omitempty"`
	Postgres *Postgres `yaml:"postgres" json:"postgres,omitempty"`
	// Missing lists the texts that mean a missing value, besides the empty one.
	Missing []string `yaml:"missing" json:"missing,omitempty"`
	// Select lists the columns to take, by the names that the source gives them; empty takes all.
	Select []string `yaml:"select" json:"select,omitempty"`
	// Rename gives columns other names: the source's to the spec's.
	Rename map[string]string `yaml:"rename" json:"rename,omitempty"`
	// Where is an SQL condition over the renamed columns, all of them texts; rows for which it is not true are not read.
	Where string `yaml:"where" json:"where,omitempty"`
}

// Files are files of one shape.
type Files struct {
	// URI is a file, a folder (all files in it), a glob, or an S3 object or prefix (s3://bucket/prefix/). Several are a union, in the order
	// of their names. A local path is relative to the spec's folder.
	URI string `yaml:"uri" json:"uri"`
}

// CSV is delimited text, plain or gzipped, with a header line.
type CSV struct {
	Files `yaml:",inline"`
	// Delimiter is one ASCII character or \t. Defaults to a comma.
	Delimiter string `yaml:"delimiter" json:"delimiter,omitempty"`
	// Quote is one ASCII character. Defaults to the double quote.
	Quote string `yaml:"quote" json:"quote,omitempty"`
	// Encoding is a name of the WHATWG's encoding standard such as windows-1252 or utf-16le. Defaults to utf-8.
	Encoding string `yaml:"encoding" json:"encoding,omitempty"`
	// Decimal is the decimal separator of numbers, "." or ",". Defaults to the point.
	Decimal string `yaml:"decimal" json:"decimal,omitempty"`
	// SkipRows is how many lines stand before the header.
	SkipRows int `yaml:"skip_rows" json:"skip_rows,omitempty"`
}

// Postgres is a table or a query of a PostgreSQL database.
type Postgres struct {
	// Connection is the name of one of the worker's connections (LOANOPS_CONNECTION_<NAME>_FILE); a spec holds no credentials.
	Connection string `yaml:"connection" json:"connection"`
	// Table (schema.table) or Query: exactly one.
	Table string `yaml:"table" json:"table,omitempty"`
	Query string `yaml:"query" json:"query,omitempty"`
	// OrderBy lists the columns whose values order the rows and name each of them: a database keeps no order of its own.
	OrderBy Names `yaml:"order_by" json:"order_by"`
}

// Join is one further relation and the columns that both sides share.
type Join struct {
	Relation `yaml:",inline"`
	On       Names `yaml:"on" json:"on"`
	// Kind is left (rows without a partner keep missing values) or inner (they are left out). Defaults to left.
	Kind string `yaml:"kind" json:"kind,omitempty"`
	// Cardinality is what the data promise: many_to_one (no key twice in this relation) or one_to_one (on neither side). A promise that is
	// not kept stops the run, for a join must not multiply rows. Defaults to many_to_one.
	Cardinality string `yaml:"cardinality" json:"cardinality,omitempty"`
}

// The kinds and cardinalities of joins.
const (
	LeftJoin  = "left"
	InnerJoin = "inner"
	ManyToOne = "many_to_one"
	OneToOne  = "one_to_one"
)

// Names are one name or a list of names.
type Names []string

// UnmarshalYAML reads both forms.
func (n *Names) UnmarshalYAML(data []byte) error {
	var one string
	if err := yaml.Unmarshal(data, &one); err == nil {
		*n = Names{one}
		return nil
	}
	return yaml.Unmarshal(data, (*[]string)(n))
}

// Simulate configures the embedded source: a seeded population of applicants. The same values give the same rows.
type Simulate struct {
	// Product is what they apply for: loan or card. Defaults to loan. Of the same rows, seed and days those of both are the same persons.
	Product string `yaml:"product" json:"product,omitempty"`
	// Rows is the number of applications between From and To.
	Rows int    `yaml:"rows" json:"rows"`
	Seed uint64 `yaml:"seed" json:"seed"`
	From Date   `yaml:"from" json:"from"`
	To   Date   `yaml:"to" json:"to"`
}

// The products that simulated applicants apply for.
const (
	Loan = "loan"
	Card = "card"
)

// FilesURI is where the relation's files are; empty for a database.
func (r *Relation) FilesURI() string {
	switch {
	case r.CSV != nil:
		return r.CSV.URI
	case r.Parquet != nil:
		return r.Parquet.URI
	case r.JSONL != nil:
		return r.JSONL.URI
	default:
		return r.URI
	}
}

// At is the relation read from other files of its kind; from those of another kind, as their extension says, where that is one.
func (r Relation) At(uri string) Relation {
	extension := filepath.Ext(strings.TrimSuffix(strings.ToLower(uri), ".gz"))
	switch {
	case r.CSV != nil && !slices.Contains([]string{".parquet", ".jsonl"}, extension):
		csv := *r.CSV
		csv.URI, r.CSV = uri, &csv
	case r.Parquet != nil && (extension == ".parquet" || uri == ""):
		r.Parquet = &Files{URI: uri}
	case r.JSONL != nil && (extension == ".jsonl" || uri == ""):
		r.JSONL = &Files{URI: uri}
	case r.Postgres != nil && uri == "":
	default:
		r.CSV, r.Parquet, r.JSONL, r.Postgres, r.URI = nil, nil, nil, nil, uri
	}
	return r
}

// Given is the source as a run reads it that is given data: these are in place of its own rows, and of what a simulated one knows. Without data it is as it is.
func (s Source) Given(data string) Source {
	if data != "" {
		s.Relation, s.Simulate = s.At(data), nil
	}
	return s
}

// Words say where rows come from, for people.
func (s *Source) Words() string {
	switch {
	case s.Simulate != nil:
		return fmt.Sprintf("simulate: %d applications%s from %s to %s, seed %d", s.Simulate.Rows, map[string]string{Card: " for cards"}[s.Simulate.Product], s.Simulate.From.Format(DateLayout), s.Simulate.To.Format(DateLayout), s.Simulate.Seed)
	case s.Postgres != nil:
		return "PostgreSQL " + s.Postgres.Connection
	case len(s.Join) > 0:
		return fmt.Sprintf("%s and %d joined", s.FilesURI(), len(s.Join))
	}
	return s.FilesURI()
}

// Known is the day, as 2006-01-02, on which the data of a run are known: asOf, else what the spec says, else today. A day to come is refused
// (fault.Invalid), but for those that a simulated source has: it knows what becomes of its applicants.
func (s *Source) Known(asOf string, today time.Time) (string, error) {
	known, said := asOf, `"as_of"`
	switch {
	case asOf != "":
	case s.KnownAt != nil:
		known, said = s.KnownAt.Format(DateLayout), "source.known_at"
	case s.Simulate != nil:
		known = s.Simulate.To.Format(DateLayout)
	default:
		known = today.UTC().Format(DateLayout)
	}
	if err := CheckUntil(said, known, s.Last(today)); err != nil {
		return "", err
	}
	return known, nil
}

// Last is the last day on which the source's rows can be known: today (UTC), or a later one of a simulated source.
func (s *Source) Last(today time.Time) time.Time {
	if today = today.UTC(); s.Simulate != nil && s.Simulate.To.After(today) {
		return s.Simulate.To.Time
	}
	return today
}

// Whole is the last day, as 2006-01-02, of which all rows are there when the data of a run are known on a day: the one before, where that is today and
// rows go on coming.
func (s *Source) Whole(known string, today time.Time) string {
	if today = today.UTC(); s.KnownAt != nil || s.Simulate != nil || known != today.Format(DateLayout) {
		return known
	}
	return today.AddDate(0, 0, -1).Format(DateLayout)
}
