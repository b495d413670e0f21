package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
)

// csvFormat is delimited text with a header line.
type csvFormat struct {
	dialect  pipeline.CSV
	comma    byte // the delimiter
	quote    byte
	relation columns
}

// openCSV opens delimited text. The headers of all files are read now: they say the columns, and a file that does not fit is found before
// hours of work.
func openCSV(ctx context.Context, r pipeline.Relation, files []File, o Options) (Relation, error) {
	f := &csvFormat{}
	if r.CSV != nil {
		f.dialect = *r.CSV
	}
	f.comma, f.quote = f.dialect.Separator(), f.dialect.QuoteMark()
	in := union{selected: r.Select}
	var notes []string
	for _, file := range files {
		s, header, err := f.header(ctx, file, &budget{left: o.MaxBytes, limit: o.MaxBytes})
		if err != nil {
			return nil, err
		}
		s.stream.Close()
		note, err := named(f.at(file.Name), header)
		if err != nil {
			return nil, err
		}
		if err := in.add(f.at(file.Name), header); err != nil {
			return nil, err
		}
		notes = append(notes, note)
	}
	var err error
	if f.relation, err = choose(r, f.at(files[0].Name), in.names); err != nil {
		return nil, err
	}
	for _, note := range notes {
		f.relation.note(note)
	}
	comma := make([]bool, len(f.relation.names))
	for i, name := range f.relation.names {
		comma[i] = f.dialect.Decimal == "," && o.Numbers[name]
	}
	return newText(f, f.relation, newLayout(f.relation.names, r.Missing, comma), files, o), nil
}

// at is where the header of a file is, for messages.
func (f *csvFormat) at(name string) string { return fmt.Sprintf("%s:%d", name, f.dialect.SkipRows+1) }

// header opens a file and reads as far as its header.
func (f *csvFormat) header(ctx context.Context, file File, b *budget) (*textFile, []string, error) {
	s, err := openStream(file, f.dialect.Encoding, b)
	if err != nil {
		return nil, nil, err
	}
	t := f.file(s, file.Name)
	t.encoding = s.encoding
	header, err := f.readHeader(ctx, t)
	if err != nil {
		s.file.Close()
		return nil, nil, err
	}
	return t, header, nil
}

func (f *csvFormat) file(s io.ReadCloser, name string) *textFile {
	return &textFile{stream: s, name: name, splitter: &splitter{from: s, where: name, quote: f.quote, line: 1}}
}

func (f *csvFormat) readHeader(ctx context.Context, t *textFile) ([]string, error) {
	if err := t.splitter.skip(ctx, f.dialect.SkipRows); err != nil {
		return nil, err
	}
	first, err := t.splitter.next(ctx, 1)
	if errors.Is(err, io.EOF) {
		return nil, fault.New(fault.Invalid, "%s: the file is empty; a header line with column names is wanted", t.name)
	}
	if err != nil {
		return nil, err
	}
	defer first.recycle()
	if bytes.IndexByte(first.raw, 0) >= 0 {
		return nil, fault.New(fault.Invalid, "%s:%d: there is a NUL byte in the header; if the file is UTF-16, say encoding: utf-16le", t.name, first.line)
	}
	if err := t.check(first); err != nil {
		return nil, err
	}
	record := records{raw: first.raw, comma: f.comma, quote: f.quote}
	if err := record.next(); err != nil {
		return nil, record.fault(err, t.name, first.line)
	}
	header := make([]string, len(record.fields))
	for i, field := range record.fields {
		header[i] = string(field)
	}
	return header, nil
}

// open opens a file for its rows.
func (f *csvFormat) open(ctx context.Context, file File, b *budget) (*textFile, error) {
	t, header, err := f.header(ctx, file, b)
	if err != nil {
		return nil, err
	}
	if err := f.place(t, header); err != nil {
		t.stream.Close()
		return nil, err
	}
	return t, nil
}

func (f *csvFormat) place(t *textFile, header []string) (err error) {
	if _, err = named(f.at(t.name), header); err == nil {
		t.places, t.absent = f.relation.places(header)
	}
	return err
}

// rowsAtOnce is how many rows are taken apart before their values are put into columns: few enough to stay in the nearest cache.
const rowsAtOnce = 32

// rows adds the rows of a piece to the table.
func (f *csvFormat) rows(ctx context.Context, p piece, to *table) error {
	record := records{raw: p.raw, comma: f.comma, quote: f.quote}
	places := p.file.places
	for left := p.rows; left > 0; {
		block := min(left, rowsAtOnce)
		record.forget()
		for range block {
			before := len(record.fields)
			if err := record.next(); err != nil {
				return record.fault(err, p.file.name, p.line)
			}
			if fields := len(record.fields) - before; fields != len(places) {
				return fault.New(fault.Invalid, "%s:%d: the row has %d fields; the header has %d", p.file.name, record.line(record.begin, p.line), fields, len(places))
			}
		}
		for i, place := range places {
			if place >= 0 {
				to.add(place, record.fields[i:], len(places))
			}
		}
		for _, place := range p.file.absent {
			to.addNulls(place, block)
		}
		to.rows += block
		left -= block
		if left%4096 < rowsAtOnce && ctx.Err() != nil {
			return ctx.Err()
		}
	}
	return nil
}
