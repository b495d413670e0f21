package source

import (
	"context"
	"errors"
	"io"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
)

// keyLines is how many lines say which keys there are.
const keyLines = 1_000

// jsonFormat is one flat JSON object a line.
type jsonFormat struct {
	relation columns
	keys     []string
	known    map[string]int // a key's index in keys
	places   []int          // which of the relation's columns a key is, -1 for none
}

// openJSONL opens JSON lines. The keys of the first lines are the columns, in order of their first appearance.
func openJSONL(ctx context.Context, r pipeline.Relation, files []File, o Options) (Relation, error) {
	f := &jsonFormat{known: map[string]int{}}
	b := &budget{left: o.MaxBytes, limit: o.MaxBytes}
	lines := 0
	for _, file := range files {
		if lines == keyLines {
			break
		}
		t, err := f.open(ctx, file, b)
		if err != nil {
			return nil, err
		}
		n, err := f.learn(ctx, t, keyLines-lines)
		t.stream.Close()
		if err != nil {
			return nil, err
		}
		lines += n
	}
	where := files[0].Name
	if len(f.keys) == 0 {
		return nil, fault.New(fault.Invalid, "%s: there is no key; a JSON object on every line is wanted", where)
	}
	note, err := named(where, f.keys)
	if err != nil {
		return nil, err
	}
	if f.relation, err = choose(r, where, f.keys); err != nil {
		return nil, err
	}
	f.relation.note(note)
	f.places, _ = f.relation.places(f.keys)
	return newText(f, f.relation, newLayout(f.relation.names, r.Missing, make([]bool, len(f.relation.names))), files, o), nil
}

func (f *jsonFormat) open(_ context.Context, file File, b *budget) (*textFile, error) {
	s, err := openStream(file, "", b)
	if err != nil {
		return nil, err
	}
	return &textFile{stream: s, name: file.Name, encoding: s.encoding, splitter: &splitter{from: s, where: file.Name, line: 1}}, nil
}

// learn takes the keys of at most n lines, and says how many there were.
func (f *jsonFormat) learn(ctx context.Context, t *textFile, n int) (int, error) {
	c, err := t.splitter.next(ctx, n)
	if errors.Is(err, io.EOF) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer c.recycle()
	if err := t.check(c); err != nil {
		return 0, err
	}
	return c.rows, eachLine(c, t.name, func(o *object) error {
		seen := map[string]bool{}
		return o.read(func(key, _ []byte) error {
			name := string(key)
			if seen[name] {
				return errTwice
			}
			seen[name] = true
			if _, known := f.known[name]; !known {
				if len(f.keys) == maxColumns {
					return errTooManyKeys
				}
				f.known[name] = len(f.keys)
				f.keys = append(f.keys, name)
			}
			return nil
		})
	})
}

var (
	errTwice       = errors.New("the key is there twice")
	errUnknownKey  = errors.New("the key is in none of the first 1000 lines; add it to one of them, or list the wanted keys in source.select")
	errTooManyKeys = errors.New("this is one key more than the 2000 that are taken")
)

// eachLine calls read for every line that is not blank, and says where a fault is.
func eachLine(c cut, where string, read func(*object) error) error {
	var o object
	line := c.line
	for raw := c.raw; len(raw) > 0; line++ {
		end := index(raw, 0, '\n')
		o.line, o.at = raw[:end], 0
		if !blank(o.line) {
			if err := read(&o); err != nil {
				return o.fault(err, where, line)
			}
		}
		raw = raw[min(end+1, len(raw)):]
	}
	return nil
}

// rows adds the rows of a piece to the table.
func (f *jsonFormat) rows(ctx context.Context, p piece, to *table) error {
	width := len(f.relation.names)
	cells := make([][]byte, 0, rowsAtOnce*width)
	empty := make([][]byte, width)
	lastSeen := make([]int, len(f.keys)) // the row that last had a key
	row := 0
	flush := func(o *object) {
		for i := range width {
			to.add(i, cells[min(i, len(cells)):], width)
		}
		to.rows += len(cells) / width
		cells, o.plain = cells[:0], o.plain[:0]
	}
	err := eachLine(p.cut, p.file.name, func(o *object) error {
		row++
		if row%4096 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		if len(cells) == cap(cells) {
			flush(o)
		}
		cells = append(cells, empty...)
		values := cells[len(cells)-width:]
		next := 0 // the key that comes next where lines are alike
		return o.read(func(key, value []byte) error {
			if next == len(f.keys) || f.keys[next] != string(key) {
				known, ok := f.known[string(key)]
				if !ok && f.relation.all {
					return errUnknownKey
				}
				if !ok {
					return nil
				}
				next = known
			}
			if lastSeen[next] == row {
				return errTwice
			}
			lastSeen[next] = row
			if place := f.places[next]; place >= 0 {
				values[place] = value
			}
			next++
			return nil
		})
	})
	if err == nil {
		flush(&object{})
	}
	return err
}
