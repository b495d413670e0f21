package source_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/stretchr/testify/require"

	"github.com/loanops/loanops/internal/fault"
	"github.com/loanops/loanops/internal/pipeline"
	"github.com/loanops/loanops/internal/source"
)

// read opens and reads everything, as far as it goes.
func read(r pipeline.Relation, o source.Options, files ...source.File) (rows [][]string, err error) {
	relation, err := source.Open(context.Background(), r, files, o)
	if err != nil {
		return nil, err
	}
	defer relation.Close()
	for {
		slice, err := relation.Next(context.Background())
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return nil, err
		}
		batch, err := slice.Decode(context.Background())
		if err != nil {
			return nil, err
		}
		rows = append(rows, texts(batch)...)
	}
}

func zipped(t testing.TB, content string) string {
	t.Helper()
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	_, err := w.Write([]byte(content))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return out.String()
}

func utf16le(text string) string {
	out := []byte{0xff, 0xfe}
	for _, unit := range utf16.Encode([]rune(text)) {
		out = binary.LittleEndian.AppendUint16(out, unit)
	}
	return string(out)
}

func TestDialects(t *testing.T) {
	t.Parallel()
	want := [][]string{{"1", "Müller, A \"x\""}, {null, "b"}}
	for name, test := range map[string]struct {
		dialect pipeline.CSV
		content string
	}{
		"plain":            {pipeline.CSV{}, "id,name\n1,\"Müller, A \"\"x\"\"\"\n,b\n"},
		"no last line end": {pipeline.CSV{}, "id,name\n1,\"Müller, A \"\"x\"\"\"\n,b"},
		"CRLF":             {pipeline.CSV{}, "id,name\r\n1,\"Müller, A \"\"x\"\"\"\r\n,b\r\n"},
		"blank lines":      {pipeline.CSV{}, "\n\r\nid,name\n\n1,\"Müller, A \"\"x\"\"\"\n\r\n,b\n\n"},
		"mark":             {pipeline.CSV{}, "\ufeffid,name\n1,\"Müller, A \"\"x\"\"\"\n,b\n"},
		"other quote":      {pipeline.CSV{Quote: "'"}, "id,name\n1,'Müller, A \"x\"'\n,b\n"},
		"tabs":             {pipeline.CSV{Delimiter: `\t`, Quote: "'"}, "id\tname\n1\tMüller, A \"x\"\n\tb\n"},
		"semicolons":       {pipeline.CSV{Delimiter: ";"}, "id;name\n1;\"Müller, A \"\"x\"\"\"\n;b\n"},
		"skipped":          {pipeline.CSV{SkipRows: 2}, "a \"report\nof many\nid,name\n1,\"Müller, A \"\"x\"\"\"\n,b\n"},
		"windows":          {pipeline.CSV{Encoding: "windows-1252"}, "id,name\n1,\"M\xfcller, A \"\"x\"\"\"\n,b\n"},
		"UTF-16":           {pipeline.CSV{Encoding: "utf-16le"}, utf16le("id,name\n1,\"Müller, A \"\"x\"\"\"\n,b\n")},
		"UTF-16 by mark":   {pipeline.CSV{}, utf16le("id,name\n1,\"Müller, A \"\"x\"\"\"\n,b\n")},
		"gzip":             {pipeline.CSV{}, zipped(t, "id,name\n1,\"Müller, A \"\"x\"\"\"\n,b\n")},
		"gzip of UTF-16":   {pipeline.CSV{}, zipped(t, utf16le("id,name\n1,\"Müller, A \"\"x\"\"\"\n,b\n"))},
		"two gzip members": {pipeline.CSV{}, zipped(t, "id,name\n1,\"Müller, A ") + zipped(t, "\"\"x\"\"\"\n,b\n")},
	} {
		rows, err := read(pipeline.Relation{CSV: &test.dialect}, source.Options{}, written(t, "x.csv", test.content))
		require.NoError(t, err, name)
		require.Equal(t, want, rows, name)
	}
}

func TestADecimalCommaIsReadInNumbersAlone(t *testing.T) {
	t.Parallel()
	r := pipeline.Relation{CSV: &pipeline.CSV{Decimal: ",", Delimiter: ";"}, Rename: map[string]string{"Betrag": "amount"}, Missing: []string{",,"}}
	rows, err := read(r, source.Options{Numbers: map[string]bool{"amount": true}}, written(t, "x.csv", "Betrag;name\n1234,5;a,b\n1.234,5;c\n,,;,,\n-1,5e3;1.5\n"))
	require.NoError(t, err)
	require.Equal(t, [][]string{{"1234.5", "a,b"}, {"1,234.5", "c"}, {null, null}, {"-1.5e3", "1.5"}}, rows,
		"a point that separates thousands must not become a decimal one")
}

func TestSelectRenameAndMissing(t *testing.T) {
	t.Parallel()
	file := written(t, "x.csv", "a,b,c\n1,NA,3\n-,5,N/A\n")
	r := pipeline.Relation{CSV: &pipeline.CSV{}, Select: []string{"c", "b"}, Rename: map[string]string{"c": "x"}, Missing: []string{"NA", "N/A"}}
	relation := open(t, r, source.Options{}, file)
	require.Equal(t, []string{"x", "b"}, relation.Columns())
	require.Empty(t, relation.Notes())
	require.Equal(t, [][]string{{"3", null}, {null, "5"}}, all(t, relation, 131_072))
}

func TestANamelessFirstColumnIsCalledRow(t *testing.T) {
	t.Parallel()
	relation := open(t, pipeline.Relation{CSV: &pipeline.CSV{}}, source.Options{}, written(t, "x.csv", ",a\n0,x\n"))
	require.Equal(t, []string{"row", "a"}, relation.Columns())
	require.Equal(t, []string{"x.csv:1: the first column has no name; it is called row"}, relation.Notes())
}

func TestAHeaderAloneHasNoRows(t *testing.T) {
	t.Parallel()
	for _, content := range []string{"a,b", "a,b\n", "a,b\r\n", "\"a\",\"b\"\n\n"} {
		relation := open(t, pipeline.Relation{CSV: &pipeline.CSV{}}, source.Options{}, written(t, "x.csv", content))
		require.Equal(t, []string{"a", "b"}, relation.Columns())
		_, err := relation.Next(t.Context())
		require.ErrorIs(t, err, io.EOF)
	}
}

func TestFaultsOfText(t *testing.T) {
	t.Parallel()
	csv := func(change func(*pipeline.Relation)) pipeline.Relation {
		r := pipeline.Relation{CSV: &pipeline.CSV{}}
		if change != nil {
			change(&r)
		}
		return r
	}
	plain := csv(nil)
	manyColumns := strings.Repeat("column,", 9_999) + "last\n"
	for name, test := range map[string]struct {
		relation pipeline.Relation
		content  string
		want     string
	}{
		"empty":                   {plain, "", "x.csv: the file is empty"},
		"blank":                   {plain, "\n\r\n\n", "x.csv: the file is empty"},
		"a mark alone":            {plain, "\ufeff", "x.csv: the file is empty"},
		"all skipped":             {csv(func(r *pipeline.Relation) { r.CSV.SkipRows = 5 }), "a\nb\n", "x.csv: the file is empty"},
		"twice":                   {plain, "a,b,a\n", `x.csv:1: columns 1 and 3 are both called "a"`},
		"row twice":               {plain, ",row\n", `x.csv:1: columns 1 and 2 are both called "row"`},
		"nameless":                {plain, "a,,b\n", "x.csv:1: column 2 has no name"},
		"many columns":            {plain, manyColumns, "x.csv:1: there are 10000 columns; at most 2000 are taken"},
		"too few":                 {plain, "a,b,c\n1,2,3\n\nx,\"y\nz\"\n", "x.csv:4: the row has 2 fields; the header has 3"},
		"too many":                {csv(func(r *pipeline.Relation) { r.CSV.SkipRows = 1 }), "skipped\na,b\n\"1\n\",2\n1,2,3\n", "x.csv:5: the row has 3 fields; the header has 2"},
		"a bare quote":            {plain, "a,b\n1,2\nü1,x\"y\"\n", "x.csv:3:5: a quote stands in a field that does not begin with one"},
		"after the closing quote": {plain, "a,b\n1,\"2\"3\n", "x.csv:2:6: a quoted field goes on after its closing quote"},
		"cut off in a quote":      {plain, "a,b\n1,2\n3,\"4\n5,6\n", "x.csv:3: a quote is not closed in the record that begins here"},
		"a quote without an end":  {plain, "a,b\n1,2\n3,\"4\n" + strings.Repeat("5,6\n", 300_000), "x.csv:3: the record that begins here has more than 1048576 bytes; is a quote not closed?"},
		"a long line":             {plain, "a,b\n1,2\n3," + strings.Repeat("x", 2<<20), "x.csv:3: the record that begins here has more than 1048576 bytes; is this a file of text lines?"},
		"not UTF-8":               {plain, "a,b\n1,2\nx,\"y\nMü\xffller\"\n", "x.csv:4:3: the bytes here are not UTF-8"},
		"a header not UTF-8":      {plain, "a,M\xfcller\n", "x.csv:1:4: the bytes here are not UTF-8"},
		"odd UTF-16":              {plain, utf16le("a,b\n1,2\n") + "\x00\xd8x\x00", "x.csv:3:1: the bytes here mean nothing in utf-16le"},
		"UTF-16 without a mark":   {plain, utf16le("a,b\n1,2\n")[2:], "x.csv:1: there is a NUL byte in the header; if the file is UTF-16"},
		"gzip cut off":            {plain, zipped(t, "a,b\n"+fmt.Sprint(time.Now().UnixNano())+",2\n")[:28], "x.csv: the gzip data end too early"},
		"gzip damaged":            {plain, zipped(t, "a,b\n1,2\n")[:20] + "\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", "x.csv: the gzip data are damaged"},
		"gzip of nothing else":    {plain, "\x1f\x8b", "x.csv: the gzip data end too early"},
		"an unknown selection":    {csv(func(r *pipeline.Relation) { r.Select = []string{"amout"} }), "amount,id,amounts\n", `x.csv:1: there is no column "amout" to select; near ones are amount, amounts`},
		"nothing like it":         {csv(func(r *pipeline.Relation) { r.Select = []string{"zzzz"} }), "a,b\n", `x.csv:1: there is no column "zzzz" to select; it has a, b`},
		"an unknown renaming":     {csv(func(r *pipeline.Relation) { r.Rename = map[string]string{"z": "y"} }), "a,b\n", `x.csv:1: there is no column "z" to rename`},
		"renamed alike":           {csv(func(r *pipeline.Relation) { r.Rename = map[string]string{"a": "b"} }), "a,b\n", `x.csv:1: two columns are called "b" after renaming`},
	} {
		started := time.Now()
		_, err := read(test.relation, source.Options{}, written(t, "x.csv", test.content))
		require.ErrorContains(t, err, test.want, name)
		require.Equal(t, fault.Invalid, fault.CodeOf(err), name)
		require.Less(t, time.Since(started), 5*time.Second, name)
	}
}

func TestFilesOfOneRelationAreReadByName(t *testing.T) {
	t.Parallel()
	first, turned := written(t, "1.csv", "a,b\n1,2\n"), written(t, "2.csv", "b,a\n4,3\n")
	rows, err := read(pipeline.Relation{CSV: &pipeline.CSV{}}, source.Options{RowsPerSlice: 2}, first, turned)
	require.NoError(t, err)
	require.Equal(t, [][]string{{"1", "2"}, {"3", "4"}}, rows, "by name, in whatever order")
	_, err = source.Open(t.Context(), pipeline.Relation{CSV: &pipeline.CSV{}}, []source.File{first, turned, written(t, "3.csv", "")}, source.Options{})
	require.ErrorContains(t, err, "3.csv: the file is empty")
	rows, err = read(pipeline.Relation{CSV: &pipeline.CSV{}, Select: []string{"a"}}, source.Options{}, first, written(t, "3.csv", "c,a\n5,6\n"))
	require.NoError(t, err, "only what is selected is read")
	require.Equal(t, [][]string{{"1"}, {"6"}}, rows)
}

func TestLimitsHoldWhileReading(t *testing.T) {
	t.Parallel()
	bomb := written(t, "bomb.csv.gz", zipped(t, "a,b\n"+strings.Repeat("1,2\n", 10_000_000)))
	started := time.Now()
	_, err := read(pipeline.Relation{URI: "bomb.csv.gz"}, source.Options{MaxBytes: 1_000_000}, bomb)
	require.ErrorContains(t, err, "bomb.csv.gz: the relation has more than 1000000 bytes of content; limits.max_bytes is 1000000")
	_, err = read(pipeline.Relation{URI: "bomb.csv.gz"}, source.Options{MaxRows: 200_000}, bomb)
	require.ErrorContains(t, err, "bomb.csv.gz: the relation has more than 200000 rows; limits.max_rows is 200000")
	require.Less(t, time.Since(started), 5*time.Second)
	two := []source.File{written(t, "1.csv", "a\n1\n2\n"), written(t, "2.csv", "a\n3\n")}
	_, err = read(pipeline.Relation{CSV: &pipeline.CSV{}}, source.Options{MaxRows: 3, MaxBytes: 10}, two...)
	require.NoError(t, err)
	_, err = read(pipeline.Relation{CSV: &pipeline.CSV{}}, source.Options{MaxRows: 2}, two...)
	require.ErrorContains(t, err, "2.csv: the relation has more than 2 rows")
	_, err = read(pipeline.Relation{CSV: &pipeline.CSV{}}, source.Options{MaxBytes: 9}, two...)
	require.ErrorContains(t, err, "2.csv: the relation has more than 9 bytes")
}

func TestOnlyRegularFilesAreOpened(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe.csv")
	require.NoError(t, syscall.Mkfifo(pipe, 0o600))
	for _, path := range []string{pipe, dir, "/dev/zero"} {
		_, err := source.Open(t.Context(), pipeline.Relation{CSV: &pipeline.CSV{}}, []source.File{{Name: "x", Path: path}}, source.Options{})
		require.EqualError(t, err, "x: a regular file is wanted")
	}
	_, err := source.Open(t.Context(), pipeline.Relation{CSV: &pipeline.CSV{}}, []source.File{{Name: "x", Path: filepath.Join(dir, "none")}}, source.Options{})
	require.EqualError(t, err, "x: there is no such file")
	require.Equal(t, fault.NotFound, fault.CodeOf(err))
}

func TestTheKindIsSaidOrTheNamesSayIt(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"x.txt":        `x.txt: a name that ends in .csv, .csv.gz, .jsonl, .jsonl.gz or .parquet is wanted`,
		"x.parquet.gz": "is wanted",
		"x.jsonl":      "x.jsonl: files of one relation are of one kind, and a.csv is another",
	} {
		_, err := source.Open(t.Context(), pipeline.Relation{URI: "."}, []source.File{written(t, "a.csv", "a\n"), written(t, name, "a\n")}, source.Options{})
		require.ErrorContains(t, err, want)
	}
	_, err := source.Open(t.Context(), pipeline.Relation{URI: "data"}, nil, source.Options{})
	require.EqualError(t, err, "data: there are no files to read")
	rows, err := read(pipeline.Relation{URI: "x.CSV"}, source.Options{}, written(t, "x.CSV", "a\n1\n"))
	require.NoError(t, err)
	require.Equal(t, [][]string{{"1"}}, rows)
}

func TestTheEndOfTheContextEndsReading(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	relation := open(t, pipeline.Relation{CSV: &pipeline.CSV{}}, source.Options{RowsPerSlice: 10_000}, written(t, "x.csv", "a,b\n"+strings.Repeat("1,2\n", 200_000)))
	slice, err := relation.Next(ctx)
	require.NoError(t, err)
	cancel()
	_, err = slice.Decode(ctx)
	require.ErrorIs(t, err, context.Canceled)
	for range 50 {
		if _, err = relation.Next(ctx); err != nil {
			break
		}
	}
	require.ErrorIs(t, err, context.Canceled)
}

// openFiles counts this process's descriptors of the file.
func openFiles(t *testing.T, path string) (n int) {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Skip("no /proc to count open files in")
	}
	for _, entry := range entries {
		if target, err := os.Readlink("/proc/self/fd/" + entry.Name()); err == nil && target == path {
			n++
		}
	}
	return n
}

func TestCloseFreesFiles(t *testing.T) {
	t.Parallel()
	for _, file := range []source.File{
		written(t, "x.csv", "a,b\n"+strings.Repeat("1,2\n", 200_000)),
		written(t, "x.jsonl", strings.Repeat("{\"a\":1}\n", 200_000)),
		parquetFile(t, "x.parquet", 0, 5_000, 1000),
	} {
		relation, err := source.Open(t.Context(), pipeline.Relation{URI: file.Name}, []source.File{file}, source.Options{RowsPerSlice: 1024})
		require.NoError(t, err)
		require.Zero(t, openFiles(t, file.Path), "opening leaves nothing open: %s", file.Name)
		slice, err := relation.Next(t.Context())
		require.NoError(t, err)
		_, err = slice.Decode(t.Context())
		require.NoError(t, err)
		require.Equal(t, 1, openFiles(t, file.Path), file.Name)
		require.NoError(t, relation.Close())
		require.NoError(t, relation.Close(), "twice does no harm")
		require.Zero(t, openFiles(t, file.Path), file.Name)
		relation, err = source.Open(t.Context(), pipeline.Relation{URI: file.Name}, []source.File{file}, source.Options{RowsPerSlice: 1024})
		require.NoError(t, err)
		all(t, relation, 1024)
		require.Zero(t, openFiles(t, file.Path), "a file that was read is closed: %s", file.Name)
	}
}
