package artifact

import (
	"os"
	"sync"
	"time"
)

// verified remembers which files of the cache hold what their names say, so that a process digests each once and not at every reading. A file is
// known again by what it is on its disk and by its size and time: whoever replaces one or writes into it changes these. It is safe for concurrent use.
type verified struct {
	mu    sync.Mutex
	files map[string]os.FileInfo
}

// settled is how old a file must be to be remembered: times are coarse, and within one tick a file could be digested and then written.
const settled = 2 * time.Second

// add remembers a file that was digested after info was read.
func (v *verified) add(path string, info os.FileInfo, now time.Time) {
	if now.Sub(info.ModTime()) < settled {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.files == nil {
		v.files = map[string]os.FileInfo{}
	}
	v.files[path] = info
}

// holds reports whether the file is one that was added, and as it was then.
func (v *verified) holds(path string, info os.FileInfo) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	was, known := v.files[path]
	return known && os.SameFile(was, info) && was.Size() == info.Size() && was.ModTime().Equal(info.ModTime())
}
