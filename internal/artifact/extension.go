package artifact

import (
	"path/filepath"
	"strings"
)

// Extension is what follows a name's first point, such as csv.gz: under it a file is kept, and by it read.
func Extension(path string) string {
	name := strings.ToLower(filepath.Base(path))
	extension := filepath.Ext(name)
	if extension == ".gz" {
		extension = filepath.Ext(strings.TrimSuffix(name, extension)) + extension
	}
	return strings.TrimPrefix(extension, ".")
}
