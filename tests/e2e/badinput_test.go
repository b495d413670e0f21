package e2e

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"unicode/utf16"

	"github.com/apache/arrow-go/v18/arrow"
	"github.com/apache/arrow-go/v18/arrow/array"
	"github.com/apache/arrow-go/v18/arrow/memory"
	"github.com/apache/arrow-go/v18/parquet/file"
	"github.com/apache/arrow-go/v18/parquet/pqarrow"
	"github.com/stretchr/testify/require"
)

// marker is in the name of every applicant of a bad file, and may be in nothing that is said of it.
const marker = "Wilhelmina Q. Featherstonehaugh"

const badSpec = `name: bad
source: %s
label: {column: y, positive: "1", negative: "0"}
entity: id
ignore: [who]
columns:
  - {name: n, type: number, min: 0, max: 1000000}
  - {name: c, type: category, domain: [a, b]}
`

// badLines are 400 good lines and their header.
func badLines() []string {
	lines := []string{"id,n,c,y,who"}
	for i := range 400 {
		lines = append(lines, fmt.Sprintf("A-%d,%d,%s,%d,%s %d", i, 7*i%1000, string("ab"[i%2]), uint32(i)*2654435761>>31, marker, i))
	}
	return lines
}

func joinedLines(lines []string) []byte { return []byte(strings.Join(lines, "\n") + "\n") }

// spoiltAt replaces a line, the first of which is the header.
func spoiltAt(line int, with string) []byte {
	lines := badLines()
	lines[line-1] = with
	return joinedLines(lines)
}

func gzipped(t *testing.T, content []byte) []byte {
	t.Helper()
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, err := w.Write(content)
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return packed.Bytes()
}

// utf16LE is a text in UTF-16 without a byte order mark.
func utf16LE(content []byte) []byte {
	var out []byte
	for _, unit := range utf16.Encode([]rune(string(content))) {
		out = binary.LittleEndian.AppendUint16(out, unit)
	}
	return out
}

// parquetOf has so many equal rows in one group: a dictionary of one value and runs of it.
func parquetOf(t *testing.T, rows int) []byte {
	t.Helper()
	schema := arrow.NewSchema([]arrow.Field{
		{Name: "id", Type: arrow.BinaryTypes.String}, {Name: "n", Type: arrow.PrimitiveTypes.Int64}, {Name: "c", Type: arrow.BinaryTypes.String},
		{Name: "y", Type: arrow.BinaryTypes.String}, {Name: "who", Type: arrow.BinaryTypes.String},
	}, nil)
	b := array.NewRecordBuilder(memory.DefaultAllocator, schema)
	for range rows {
		b.Field(0).(*array.StringBuilder).Append("A-1")
		b.Field(1).(*array.Int64Builder).Append(1)
		b.Field(2).(*array.StringBuilder).Append("a")
		b.Field(3).(*array.StringBuilder).Append("1")
		b.Field(4).(*array.StringBuilder).Append(marker)
	}
	var content bytes.Buffer
	w, err := pqarrow.NewFileWriter(schema, &content, nil, pqarrow.DefaultWriterProps())
	require.NoError(t, err)
	require.NoError(t, w.Write(b.NewRecordBatch()))
	require.NoError(t, w.Close())
	return content.Bytes()
}

// parquetBomb is a small file of 10^9 equal rows: a thousand groups of a million, all of which are the same bytes.
func parquetBomb(t *testing.T) []byte {
	t.Helper()
	content := parquetOf(t, 1_000_000)
	reader, err := file.NewParquetReader(bytes.NewReader(content))
	require.NoError(t, err)
	footer := reader.MetaData()
	for range 999 {
		footer.RowGroups = append(footer.RowGroups, footer.RowGroups[0])
	}
	footer.NumRows = 1_000_000_000
	length := binary.LittleEndian.Uint32(content[len(content)-8:])
	bomb := bytes.NewBuffer(content[:len(content)-8-int(length)])
	size, err := footer.WriteTo(bomb, nil)
	require.NoError(t, err)
	require.NoError(t, binary.Write(bomb, binary.LittleEndian, uint32(size)))
	bomb.WriteString("PAR1")
	return bomb.Bytes()
}

// shifted moves every row's values by one column, so that names stand where numbers should.
func shifted() []byte {
	lines := badLines()
	for i := 1; i < len(lines); i++ {
		fields := strings.Split(lines[i], ",")
		lines[i] = strings.Join(append(fields[4:], fields[:4]...), ",")
	}
	return joinedLines(lines)
}

// mixed puts texts where numbers should be, in every tenth row.
func mixed() []byte {
	lines := badLines()
	for i := 10; i < len(lines); i += 10 {
		fields := strings.Split(lines[i], ",")
		fields[1] = fields[4]
		lines[i] = strings.Join(fields, ",")
	}
	return joinedLines(lines)
}

// tenThousandColumns has ten thousand columns.
func tenThousandColumns() []byte {
	names, values := make([]string, 10_000), make([]string, 10_000)
	for i := range names {
		names[i], values[i] = fmt.Sprintf("x%d", i), marker
	}
	return joinedLines([]string{strings.Join(names, ","), strings.Join(values, ",")})
}

// said is what a program said, and how it ended.
type said struct {
	stdout, stderr string
	code           int
}

// told runs the command on data at a desk. No program may panic, or tell the applicant's name.
func told(t *testing.T, environment []string, args ...string) said {
	t.Helper()
	command := exec.CommandContext(t.Context(), "../../bin/loanops", append([]string{"data"}, args...)...)
	command.Env = append(os.Environ(), environment...)
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	_ = command.Run()
	out := said{stdout.String(), stderr.String(), command.ProcessState.ExitCode()}
	for _, text := range []string{out.stdout, out.stderr} {
		require.NotContains(t, text, "Featherstonehaugh")
		require.NotContains(t, text, "Wilhelmina")
		require.NotContains(t, text, "panic:")
		require.NotContains(t, text, "goroutine ")
	}
	return out
}

// saved are the files that a check left in its folder; none of them but Parquet may hold the applicant's name.
func saved(t *testing.T, folder string) (names []string) {
	t.Helper()
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if os.IsNotExist(err) || err == nil && entry.IsDir() {
			return nil
		}
		require.NoError(t, err)
		names = append(names, entry.Name())
		if filepath.Ext(path) == ".parquet" {
			return nil
		}
		content, err := os.ReadFile(path)
		require.NoError(t, err)
		require.NotContains(t, string(content), "Featherstonehaugh", path)
		return nil
	})
	require.NoError(t, err)
	return names
}

// Whatever is wrong with data, a check and an inference of them end with the right code and say where, tell no value, and leave nothing half-written.
func TestBadInputIsToldWithItsPlace(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		file     string
		content  func(t *testing.T) []byte
		limits   string // of the check, where they are not the defaults
		code     int
		want     string // in what the check says, and for code 2 in what the inference says as well
		infers   bool   // the inference has nothing to say against it
		inferred string // what the inference says, where that is something else: it has no limits that can be set
	}{
		"truncated in a quote": {file: "rows.csv", code: 2, want: "rows.csv:401: a quote is not closed", content: func(*testing.T) []byte {
			return append(joinedLines(badLines()[:400]), []byte(`A-399,1,"`+marker)...)
		}},
		"a quote in a field": {file: "rows.csv", code: 2, want: "rows.csv:7:6: ", content: func(*testing.T) []byte { return spoiltAt(7, `A-5,1"2",a,1,`+marker) }},
		"too few fields":     {file: "rows.csv", code: 2, want: "rows.csv:100: the row has 2 fields; the header has 5", content: func(*testing.T) []byte { return spoiltAt(100, marker+",1") }},
		"no UTF-8":           {file: "rows.csv", code: 2, want: "rows.csv:50:9: the bytes here are not UTF-8", content: func(*testing.T) []byte { return spoiltAt(50, "A-48,1,a\xe9,0,"+marker) }},
		"UTF-16":             {file: "rows.csv", code: 2, want: "rows.csv:1: there is a NUL byte in the header; if the file is UTF-16, say", content: func(*testing.T) []byte { return utf16LE(joinedLines(badLines())) }},
		"UTF-16 cut off": {file: "rows.csv", code: 2, want: "rows.csv:401:", content: func(*testing.T) []byte {
			return append([]byte{0xff, 0xfe}, utf16LE(joinedLines(badLines()))[:2*(len(joinedLines(badLines()))-1)-1]...)
		}},
		"duplicated header":    {file: "rows.csv", code: 2, want: `rows.csv:1: columns 2 and 3 are both called "n"`, content: func(*testing.T) []byte { return spoiltAt(1, "id,n,n,y,who") }},
		"ten thousand columns": {file: "rows.csv", code: 2, want: "rows.csv:1: there are 10000 columns; at most 2000", content: func(*testing.T) []byte { return tenThousandColumns() }},
		"an empty file":        {file: "rows.csv", code: 2, want: "rows.csv: the file is empty", content: func(*testing.T) []byte { return nil }},
		"no file":              {file: "", code: 2, want: "none.csv: there is no such file"},
		"truncated gzip": {file: "rows.csv.gz", code: 2, want: "rows.csv.gz: the gzip data end too early; the file is truncated", content: func(t *testing.T) []byte {
			packed := gzipped(t, joinedLines(badLines()))
			return packed[:len(packed)/2]
		}},
		"damaged gzip": {file: "rows.csv.gz", code: 2, want: "rows.csv.gz: the gzip data are damaged", content: func(t *testing.T) []byte {
			packed := gzipped(t, joinedLines(badLines()))
			packed[len(packed)-6] ^= 1 // the checksum
			return packed
		}},
		"a gzip bomb": {
			file: "rows.csv.gz", code: 2, limits: "limits: {max_rows: 5000000, max_bytes: 1000000}\n", want: "rows.csv.gz: the relation has more than 1000000 bytes of content", infers: true,
			content: func(t *testing.T) []byte {
				return gzipped(t, append([]byte("id,n,c,y,who\n"), bytes.Repeat([]byte("A-1,1,a,1,"+marker+"\n"), 300_000)...))
			},
		},
		"a spoilt footer": {file: "rows.parquet", code: 2, want: "rows.parquet: not a readable Parquet file", content: func(t *testing.T) []byte {
			content := parquetOf(t, 400)
			content[len(content)-20] ^= 0xff
			content[len(content)-40] ^= 0xff
			return content
		}},
		"a footer that is cut off": {file: "rows.parquet", code: 2, want: "rows.parquet: not a readable Parquet file", content: func(t *testing.T) []byte {
			content := parquetOf(t, 400)
			return content[:len(content)-3]
		}},
		"a footer of a wrong length": {file: "rows.parquet", code: 2, want: "rows.parquet: not a readable Parquet file", content: func(t *testing.T) []byte {
			content := parquetOf(t, 400)
			binary.LittleEndian.PutUint32(content[len(content)-8:], 0xfffffff0)
			return content
		}},
		"a Parquet bomb": {file: "rows.parquet", code: 2, want: "rows.parquet: the relation has more than 5000000 rows; limits.max_rows is 5000000", content: parquetBomb, inferred: " rows, and more than 200 for each byte of the files"},
		"a Parquet bomb within the rows": {
			file: "rows.parquet", code: 2, limits: "limits: {max_rows: 2000000000, max_bytes: 100000000}\n", want: "rows.parquet: the relation has more than ", content: parquetBomb,
		},
		"mixed types":     {file: "rows.csv", code: 3, want: `column \"n\"`, infers: true, content: func(*testing.T) []byte { return mixed() }},
		"shifted columns": {file: "rows.csv", code: 3, want: `column \"n\"`, infers: true, content: func(*testing.T) []byte { return shifted() }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			data := filepath.Join(folder, "none.csv")
			if test.file != "" {
				data = filepath.Join(folder, test.file)
				require.NoError(t, os.WriteFile(data, test.content(t), 0o600))
			}
			bad(t, data, "{uri: rows.csv}", test.limits, test.code, test.want)
			out := told(t, nil, "infer", data, "--output", "json")
			if test.infers {
				require.Equal(t, 0, out.code, out.stderr)
				return
			}
			require.Equal(t, test.code, out.code, out.stderr)
			require.Contains(t, out.stderr, cmp.Or(test.inferred, test.want))
			require.Empty(t, out.stdout)
		})
	}
}

// What is no file ends at once.
func TestBadInputThatIsNoFile(t *testing.T) {
	t.Parallel()
	fifo := filepath.Join(t.TempDir(), "rows.csv")
	require.NoError(t, syscall.Mkfifo(fifo, 0o600))
	empty := t.TempDir()
	for data, want := range map[string]string{
		fifo: fifo + ": a regular file is wanted", "/dev/zero": "/dev/zero: a regular file is wanted", empty: empty + ": there are no files",
		filepath.Join(empty, "*.csv"): filepath.Join(empty, "*.csv") + ": there are no files",
	} {
		bad(t, data, "{uri: rows.csv}", "", 2, want)
		out := told(t, nil, "infer", data)
		require.Equal(t, 2, out.code, out.stderr)
		require.Contains(t, out.stderr, want)
	}
}

// A database that does not answer is no fault of the data: 1. One that takes the connection and says nothing is given up after ten seconds.
func TestBadInputFromADatabase(t *testing.T) {
	t.Parallel()
	silent, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { silent.Close() })
	closed, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, closed.Close())
	for name, test := range map[string]struct{ address, want string }{
		"closed": {closed.Addr().String(), "connection lending: the database does not answer: "},
		"silent": {silent.Addr().String(), "connection lending: the database does not answer in time"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			url := filepath.Join(t.TempDir(), "url")
			require.NoError(t, os.WriteFile(url, []byte("postgres://reader:"+strings.Fields(marker)[2]+"@"+test.address+"/lending"), 0o600))
			bad(t, "", "{postgres: {connection: lending, table: applications, order_by: id}}", "", 1, test.want, "LOANOPS_CONNECTION_LENDING_FILE="+url)
		})
	}
}

// bad checks data against a spec that is right, and looks at what is said and what is left.
func bad(t *testing.T, data, from, limits string, code int, want string, environment ...string) {
	t.Helper()
	folder := t.TempDir()
	spec, save := filepath.Join(folder, "bad.yaml"), filepath.Join(folder, "made")
	require.NoError(t, os.WriteFile(spec, fmt.Appendf(nil, badSpec+limits, from), 0o600))
	args := []string{"check", "--pipeline", spec, "--save", save, "--output", "json"}
	if data != "" {
		args = append(args, data)
	}
	out := told(t, environment, args...)
	require.Equal(t, code, out.code, out.stderr)
	left := saved(t, save)
	if code == 3 {
		require.Contains(t, out.stdout, want)
		require.Contains(t, left, "validation_report.json")
		return
	}
	require.Contains(t, out.stderr, want)
	require.Empty(t, out.stdout)
	require.Empty(t, left)
}
