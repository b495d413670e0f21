package pipeline

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/text/encoding/htmlindex"
)

// connectionPattern is what becomes a part of an environment variable's name.
var connectionPattern = regexp.MustCompile(`^[a-z][a-z0-9_]{0,39}$`)

func (c *checker) source(s *Source) {
	kinds := s.kinds()
	switch sim := s.Simulate; {
	case sim == nil && len(kinds) == 0:
		c.wrongAt("source", "source is missing; give source.uri (a CSV, Parquet or JSON lines file), source.postgres or source.simulate")
	case sim != nil && len(kinds) > 0:
		c.wrongAt("source."+kinds[0], "source has both simulate and %s; keep one", kinds[0])
	case sim != nil:
		c.simulate("source.simulate", sim)
		if len(s.Join) > 0 {
			c.wrongAt("source.join", "source.join needs source.uri: a simulated source joins its own tables")
		}
	default:
		c.relation("source", &s.Relation)
	}
	for i := range s.Join {
		c.join(fmt.Sprintf("source.join[%d]", i), &s.Join[i])
	}
}

func (c *checker) simulate(path string, sim *Simulate) {
	if sim.Rows < 1 || sim.Rows > 10_000_000 {
		c.wrongAt(path+".rows", "%s.rows is %d; 1 to 10000000 is wanted", path, sim.Rows)
	}
	if !slices.Contains([]string{"", Loan, Card}, sim.Product) {
		c.wrongAt("source.simulate.product", "source.simulate.product is %q; loan or card is wanted", clip(sim.Product))
	}
	if !sim.From.Before(sim.To.Time) {
		c.wrongAt(path+".to", "%s.to must be after %s.from", path, path)
	}
}

func (c *checker) join(path string, j *Join) {
	if len(j.kinds()) == 0 || len(j.On) == 0 || slices.Contains(j.On, "") {
		c.wrongAt(path, "a join needs uri and on, the column that both sides have")
		return
	}
	c.relation(path, &j.Relation)
	if !slices.Contains([]string{"", LeftJoin, InnerJoin}, j.Kind) {
		c.wrongAt(path+".kind", "kind is %q; left or inner is wanted", clip(j.Kind))
	}
	if !slices.Contains([]string{"", ManyToOne, OneToOne}, j.Cardinality) {
		c.wrongAt(path+".cardinality", "cardinality is %q; many_to_one or one_to_one is wanted", clip(j.Cardinality))
	}
}

// kinds are the keys of the relation's union that are set.
func (r *Relation) kinds() (kinds []string) {
	for _, kind := range []struct {
		key string
		set bool
	}{{"uri", r.URI != ""}, {"csv", r.CSV != nil}, {"parquet", r.Parquet != nil}, {"jsonl", r.JSONL != nil}, {"postgres", r.Postgres != nil}} {
		if kind.set {
			kinds = append(kinds, kind.key)
		}
	}
	return kinds
}

func (c *checker) relation(path string, r *Relation) {
	kinds := r.kinds()
	if len(kinds) > 1 {
		c.wrongAt(path+"."+kinds[1], "%s has both %s and %s; keep one", path, kinds[0], kinds[1])
		return
	}
	if r.Postgres == nil && r.FilesURI() == "" {
		c.wrongAt(path+"."+kinds[0], "%s.%s needs uri: a file, a folder, a glob or s3://bucket/prefix/", path, kinds[0])
	}
	if uri := r.FilesURI(); strings.Contains(uri, "://") && !strings.HasPrefix(uri, "s3://") {
		c.wrongAt(path+"."+kinds[0], "%q is neither a local path nor s3://bucket/key", clip(uri))
	}
	if r.CSV != nil {
		c.csv(path+".csv", r.CSV)
	}
	if r.Postgres != nil {
		c.postgres(path+".postgres", r.Postgres)
	}
	names := map[string]bool{}
	for from, to := range r.Rename {
		if to == "" || names[to] {
			c.wrongAt(path+".rename."+from, "%q is no name for one column: it is empty, or another column's new name", clip(to))
		}
		names[to] = true
		if len(r.Select) > 0 && !slices.Contains(r.Select, from) {
			c.wrongAt(path+".rename."+from, "column %q is renamed but not selected", clip(from))
		}
	}
	for i, name := range r.Select {
		if slices.Contains(r.Select[:i], name) {
			c.wrongAt(fmt.Sprintf("%s.select[%d]", path, i), "column %q is selected twice", clip(name))
		}
	}
}

func (c *checker) csv(path string, csv *CSV) {
	delimiter, quote := csv.Separator(), csv.QuoteMark()
	if delimiter == 0 {
		c.wrongAt(path+".delimiter", "delimiter is %q; one ASCII character is wanted, or \\t", clip(csv.Delimiter))
	}
	if quote == 0 || quote == delimiter {
		c.wrongAt(path+".quote", "quote is %q; one ASCII character other than the delimiter is wanted", clip(csv.Quote))
	}
	if csv.Encoding != "" {
		if _, err := htmlindex.Get(csv.Encoding); err != nil {
			c.wrongAt(path+".encoding", "encoding %q is not known; give one such as utf-8, windows-1252, iso-8859-15 or utf-16le", clip(csv.Encoding))
		}
	}
	if !slices.Contains([]string{"", ".", ","}, csv.Decimal) {
		c.wrongAt(path+".decimal", "decimal is %q; \".\" or \",\" is wanted", clip(csv.Decimal))
	}
	if csv.SkipRows < 0 || csv.SkipRows > 1000 {
		c.wrongAt(path+".skip_rows", "skip_rows is %d; 0 to 1000 is wanted", csv.SkipRows)
	}
}

func (c *checker) postgres(path string, p *Postgres) {
	if !connectionPattern.MatchString(p.Connection) {
		c.wrongAt(path+".connection", "connection is %q; the name of one of the worker's connections is wanted: lower-case letters, digits and underscores", clip(p.Connection))
	}
	if (p.Table == "") == (p.Query == "") {
		c.wrongAt(path, "give table or query, one of them")
	}
	if len(p.OrderBy) == 0 || slices.Contains(p.OrderBy, "") {
		c.wrongAt(path+".order_by", "order_by is missing; name the columns that order the rows: a database keeps no order of its own")
	}
}

// Separator is the delimiter as a byte, 0 when it is not one.
func (c *CSV) Separator() byte {
	if c.Delimiter == `\t` {
		return '\t'
	}
	return oneASCII(c.Delimiter, ',')
}

// QuoteMark is the quote as a byte, 0 when it is not one.
func (c *CSV) QuoteMark() byte { return oneASCII(c.Quote, '"') }

// oneASCII is a text of one character that can separate or enclose fields; 0 when it cannot.
func oneASCII(text string, otherwise byte) byte {
	switch {
	case text == "":
		return otherwise
	case len(text) == 1 && text[0] < 0x80 && text[0] != '\n' && text[0] != '\r' && text[0] != 0:
		return text[0]
	}
	return 0
}
