package ci

import (
	"archive/tar"
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/loanops/loanops/internal/fault"
)

// packed is a tar of one entry.
func packed(t testing.TB, h tar.Header, data string) []byte {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	h.Size = int64(len(data))
	require.NoError(t, w.WriteHeader(&h))
	_, err := w.Write([]byte(data))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	return out.Bytes()
}

func TestPathsThatLeadOut(t *testing.T) {
	t.Parallel()
	for _, name := range []string{
		"", ".", "..", "../a", "a/../../b", "/etc/passwd", "a/../b", "./a", "a//b", "a/", "a/.", `a\b`, "a\x00b", "a\nb", strings.Repeat("x", MaxPathBytes+1),
	} {
		tree := &Tree{}
		err := tree.Add(name, File{})
		require.Equal(t, fault.Invalid, fault.CodeOf(err), "%q", name)
		require.Empty(t, tree.Paths())
		if strings.ContainsRune(name, 0) || name == "" || strings.HasSuffix(name, "/") {
			continue // no tar holds it
		}
		_, err = ReadTar(packed(t, tar.Header{Name: name, Typeflag: tar.TypeReg}, ""))
		require.Equal(t, fault.Invalid, fault.CodeOf(err), "%q", name)
	}
	for _, name := range []string{"a", "a/b", "..a", ".git", "a b", "é", strings.Repeat("x", MaxPathBytes)} {
		require.NoError(t, (&Tree{}).Add(name, File{}), name)
	}
}

func TestOnlyRegularFilesAreUnpacked(t *testing.T) {
	t.Parallel()
	for _, kind := range []byte{tar.TypeSymlink, tar.TypeLink, tar.TypeDir, tar.TypeChar, tar.TypeBlock, tar.TypeFifo} {
		_, err := ReadTar(packed(t, tar.Header{Name: "a", Typeflag: kind, Linkname: "/etc/passwd"}, ""))
		require.ErrorContains(t, err, `"a" in the packed tree is no regular file`)
		require.Equal(t, fault.Invalid, fault.CodeOf(err))
	}
}

func TestWhatIsNoTar(t *testing.T) {
	t.Parallel()
	whole := packed(t, tar.Header{Name: "a", Typeflag: tar.TypeReg}, strings.Repeat("x", 2000))
	for _, data := range [][]byte{[]byte("x"), bytes.Repeat([]byte("x"), 1024), whole[:1000]} {
		_, err := ReadTar(data)
		require.Equal(t, fault.Invalid, fault.CodeOf(err))
	}
	tree, err := ReadTar(nil)
	require.NoError(t, err)
	require.Empty(t, tree.Paths())
}

func TestTheLimitsOfATree(t *testing.T) {
	t.Parallel()
	tree := &Tree{bytes: MaxTreeBytes - 3}
	require.NoError(t, tree.Add("a", File{Data: []byte("123")}))
	require.ErrorContains(t, tree.Add("b", File{Data: []byte("4")}), "b: the files have more than 256 MiB; keep data in a store")
	require.Equal(t, []string{"a"}, tree.Paths())

	many := &Tree{files: map[string]File{}, folders: map[string]bool{}}
	for i := range MaxFiles {
		many.files[string(rune(i))] = File{}
	}
	require.Equal(t, fault.Invalid, fault.CodeOf(many.Add("one more", File{})))

	// A header may promise more than there is: nothing of that size is made.
	var out bytes.Buffer
	require.NoError(t, tar.NewWriter(&out).WriteHeader(&tar.Header{Name: "huge", Typeflag: tar.TypeReg, Size: MaxTreeBytes + 1, Format: tar.FormatPAX}))
	_, err := ReadTar(out.Bytes())
	require.ErrorContains(t, err, `"huge" in the packed tree promises 268435457 bytes, more than the whole has`)
}

// A sparse file of 200 MiB in a kilobyte: its holes are in the header alone.
func TestHolesAreNotFilled(t *testing.T) {
	t.Parallel()
	sparse := packed(t, tar.Header{Name: "x", Typeflag: tar.TypeReg}, "0\n"+strings.Repeat("\x00", 510)) // a map of no data
	records := "22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n30 GNU.sparse.name=holes.data\n33 GNU.sparse.realsize=209715200\n"
	header := bytes.Clone(sparse[:512])
	copy(header[:100], make([]byte, 100))
	copy(header, "PaxHeaders/x")
	copy(header[124:136], fmt.Sprintf("%011o\x00", len(records)))
	header[156] = tar.TypeXHeader
	copy(header[148:156], "        ")
	sum := 0
	for _, b := range header {
		sum += int(b)
	}
	copy(header[148:156], fmt.Sprintf("%06o\x00 ", sum))
	whole := append(append(header, append([]byte(records), make([]byte, 512-len(records))...)...), sparse...)
	_, err := ReadTar(whole)
	require.ErrorContains(t, err, `"holes.data" in the packed tree promises 209715200 bytes`)
}

// A file that is added twice is the last one, and is counted once.
func TestAFileTwice(t *testing.T) {
	t.Parallel()
	tree := treeOf(t, "a", "12345", "a", "67")
	f, found := tree.File("a")
	require.True(t, found)
	require.Equal(t, "67", string(f.Data))
	require.Equal(t, int64(2), tree.bytes)
	_, found = tree.File("b")
	require.False(t, found)
}

// A path that is a file and a folder at once can be in no folder.
func TestAFileAsAFolder(t *testing.T) {
	t.Parallel()
	for _, names := range [][2]string{{"a", "a/b"}, {"a/b", "a"}, {"a", "a/b/c"}, {"x/a/b", "x"}} {
		tree := treeOf(t, names[0], "")
		err := tree.Add(names[1], File{})
		require.Equal(t, fault.Invalid, fault.CodeOf(err), names)
	}
	require.NoError(t, treeOf(t, "a", "", "b/a", "").Add("b/b", File{}))
}

func TestAFolder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, data string, mode os.FileMode) {
		path := filepath.Join(dir, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(data), mode))
	}
	outside := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(outside, []byte("secret"), 0o644))
	write("pipeline.yaml", "name: a\n", 0o644)
	write("scripts/check", "#!/bin/sh\n", 0o755)
	write(".git/config", "secret", 0o644)
	write("deeper/.git/config", "secret", 0o644)
	write(".gitignore", "x\n", 0o644)
	require.NoError(t, os.Symlink(outside, filepath.Join(dir, "link")))
	require.NoError(t, os.Symlink(filepath.Dir(outside), filepath.Join(dir, "folder")))
	require.NoError(t, os.Symlink("pipeline.yaml", filepath.Join(dir, "inner")))
	tree, err := ReadFolder(dir)
	require.NoError(t, err)
	require.Equal(t, []string{".gitignore", "pipeline.yaml", "scripts/check"}, tree.Paths())
	check, _ := tree.File("scripts/check")
	require.True(t, check.Executable)
	spec, _ := tree.File("pipeline.yaml")
	require.False(t, spec.Executable)

	to := t.TempDir()
	require.NoError(t, tree.Unpack(to))
	again, err := ReadFolder(to)
	require.NoError(t, err)
	require.Equal(t, tree, again)

	_, err = ReadFolder(filepath.Join(dir, "absent"))
	require.Equal(t, fault.NotFound, fault.CodeOf(err))
	_, err = ReadFolder(filepath.Join(dir, "pipeline.yaml"))
	require.Error(t, err)
}

// A folder in which links lie is no empty one; nothing is written through them.
func TestUnpackWritesThroughNoLink(t *testing.T) {
	t.Parallel()
	dir, outside := t.TempDir(), t.TempDir()
	require.NoError(t, os.Symlink(outside, filepath.Join(dir, "sample")))
	require.Error(t, treeOf(t, "sample/a.csv", "x").Unpack(dir))
	entries, err := os.ReadDir(outside)
	require.NoError(t, err)
	require.Empty(t, entries)
}

// trees are drawn with files in folders, empty and with data, executable or not.
func trees(t *rapid.T) map[string]File {
	name := rapid.StringMatching(`([a-z]{1,3}/){0,2}[A-Zé]{1,3}\.[a-z]{1,3}`)
	file := rapid.Custom(func(t *rapid.T) File {
		return File{Data: rapid.SliceOf(rapid.Byte()).Draw(t, "data"), Executable: rapid.Bool().Draw(t, "executable")}
	})
	return rapid.MapOf(name, file).Draw(t, "files")
}

// Whoever packs the same files, in whatever order, gets the same bytes; and they are read as they were.
func TestARoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		files := trees(t)
		var names []string
		for name := range files {
			names = append(names, name)
		}
		a, b := &Tree{}, &Tree{}
		for i := range names {
			require.NoError(t, a.Add(names[i], files[names[i]]))
			other := names[len(names)-1-i]
			require.NoError(t, b.Add(other, files[other]))
		}
		first, err := a.Tar()
		require.NoError(t, err)
		second, err := b.Tar()
		require.NoError(t, err)
		require.Equal(t, first, second)
		digest, err := a.Digest()
		require.NoError(t, err)

		back, err := ReadTar(first)
		require.NoError(t, err)
		require.Equal(t, a.Paths(), back.Paths())
		require.Equal(t, a.bytes, back.bytes)
		for _, name := range names {
			got, _ := back.File(name)
			require.Equal(t, files[name].Executable, got.Executable)
			require.True(t, bytes.Equal(files[name].Data, got.Data))
			// Another bit is another tree.
			require.NoError(t, b.Add(name, File{Data: files[name].Data, Executable: !files[name].Executable}))
			other, err := b.Digest()
			require.NoError(t, err)
			require.NotEqual(t, digest, other)
		}
	})
}

// The digest of a tree is what a run is known by: another way to pack it would make every commit a new one. It is that of the first version, whose tar GNU tar
// lists as these two files.
func TestTheBytesStay(t *testing.T) {
	t.Parallel()
	digest, err := treeOf(t, "b/x", "a\n", "a", "").Digest()
	require.NoError(t, err)
	require.Equal(t, "6f4a4295d3d3ffd138b99b9f784119b85c925f1af9bcb1ce0c684a133db7d20e", digest)
}

// What comes from the store or a network is what it is.
func FuzzReadTar(f *testing.F) {
	tree := &Tree{}
	require.NoError(f, tree.Add("a/b", File{Data: []byte("x"), Executable: true}))
	good, err := tree.Tar()
	require.NoError(f, err)
	f.Add(good)
	f.Add(packed(f, tar.Header{Name: "../a", Typeflag: tar.TypeReg}, "x"))
	f.Add(packed(f, tar.Header{Name: "a", Typeflag: tar.TypeSymlink, Linkname: "/"}, ""))
	f.Fuzz(func(t *testing.T, data []byte) {
		tree, err := ReadTar(data)
		if err != nil {
			require.Equal(t, fault.Invalid, fault.CodeOf(err))
			return
		}
		for _, name := range tree.Paths() {
			require.True(t, filepath.IsLocal(name), name)
		}
		again, err := tree.Tar()
		require.NoError(t, err)
		back, err := ReadTar(again)
		require.NoError(t, err)
		require.Equal(t, tree.Paths(), back.Paths())
		require.NoError(t, tree.Unpack(t.TempDir()))
	})
}
