package image

import (
	"bufio"
	"debug/elf"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/loanops/loanops/internal/fault"
)

// checkStatic refuses a program that does not run by itself: an image from scratch has nothing but the program.
func checkStatic(path string) error {
	program, err := openELF(path)
	if err != nil {
		return err
	}
	defer program.Close()
	if interpreter := interpreterOf(program); interpreter != "" {
		return fault.New(fault.Invalid, "%s is not static: it needs the loader %s and shared libraries; build it with CGO_ENABLED=0", path, interpreter)
	}
	if needed, err := program.ImportedLibraries(); err == nil && len(needed) > 0 {
		return fault.New(fault.Invalid, "%s is not static: it needs %s; build it with CGO_ENABLED=0", path, strings.Join(needed, ", "))
	}
	return nil
}

func openELF(path string) (*elf.File, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, fault.New(fault.NotFound, "there is no program %s; `make programs` builds them", path)
	}
	program, err := elf.Open(path)
	if err != nil {
		return nil, fault.New(fault.Invalid, "%s is no program for Linux (ELF): an image is made of those", path)
	}
	return program, nil
}

// interpreterOf is the loader that the program names; empty for a static one.
func interpreterOf(program *elf.File) string {
	for _, segment := range program.Progs {
		if segment.Type == elf.PT_INTERP {
			name := make([]byte, segment.Filesz)
			if _, err := segment.ReadAt(name, 0); err == nil {
				return strings.TrimRight(string(name), "\x00")
			}
		}
	}
	return ""
}

// linked are the files of this machine that a program needs to run: nothing for a static one.
type linked struct {
	// loader is the path that the program names, where an image must have it; loaderFile is the file that it is here.
	loader, loaderFile string
	// libraries are files by the names that programs ask for.
	libraries map[string]string
}

// linkedTo finds the loader and, as the loader does, all libraries of a program: what it needs, what these need, and so on. Libraries that a
// program opens by itself while it runs are not among them.
func linkedTo(path string, folders []string) (linked, error) {
	found := linked{libraries: map[string]string{}}
	program, err := openELF(path)
	if err != nil {
		return found, err
	}
	found.loader = interpreterOf(program)
	machine, class := program.Machine, program.Class
	program.Close()
	if found.loader == "" {
		return found, nil
	}
	if found.loaderFile, err = filepath.EvalSymlinks(found.loader); err != nil {
		return found, fault.New(fault.NotFound, "%s needs the loader %s, which is not on this machine", path, found.loader)
	}
	for open := []string{path}; len(open) > 0; open = open[1:] {
		needed, run, err := needs(open[0])
		if err != nil {
			return found, err
		}
		for _, name := range needed {
			if _, known := found.libraries[name]; known || name == filepath.Base(found.loader) {
				continue
			}
			library, ok := search(name, slices.Concat(run, folders), machine, class)
			if !ok {
				return found, fault.New(fault.NotFound, "%s needs %s, which is in none of %s", open[0], name, strings.Join(slices.Concat(run, folders), ", "))
			}
			found.libraries[name] = library
			open = append(open, library)
		}
	}
	return found, nil
}

// names are the libraries' in order.
func (l linked) names() []string { return slices.Sorted(maps.Keys(l.libraries)) }

// needs reads what a program or library asks for, and the folders that it names itself for that.
func needs(path string) (libraries, folders []string, err error) {
	file, err := openELF(path)
	if err != nil {
		return nil, nil, err
	}
	defer file.Close()
	if libraries, err = file.ImportedLibraries(); err != nil {
		return nil, nil, fault.Wrap(fault.Invalid, err, "what %s needs", path)
	}
	for _, tag := range []elf.DynTag{elf.DT_RPATH, elf.DT_RUNPATH} {
		texts, err := file.DynString(tag)
		if err != nil {
			return nil, nil, fault.Wrap(fault.Invalid, err, "what %s needs", path)
		}
		for _, text := range texts {
			for folder := range strings.SplitSeq(text, ":") {
				folders = append(folders, strings.NewReplacer("$ORIGIN", filepath.Dir(path), "${ORIGIN}", filepath.Dir(path)).Replace(folder))
			}
		}
	}
	return libraries, folders, nil
}

// search finds the library for the machine in the first folder that has it, and follows links to the file.
func search(name string, folders []string, machine elf.Machine, class elf.Class) (string, bool) {
	for _, folder := range folders {
		path, err := filepath.EvalSymlinks(filepath.Join(folder, name))
		if err != nil {
			continue
		}
		library, err := elf.Open(path)
		if err != nil {
			continue
		}
		fits := library.Machine == machine && library.Class == class
		library.Close()
		if fits {
			return path, true
		}
	}
	return "", false
}

// loaderFolders are where this machine's loader looks: what it is configured to, then what is built into it.
func loaderFolders() []string {
	var folders []string
	read := func(path string) []string {
		file, err := os.Open(path)
		if err != nil {
			return nil
		}
		defer file.Close()
		var lines []string
		for scanner := bufio.NewScanner(file); scanner.Scan(); {
			line, _, _ := strings.Cut(scanner.Text(), "#")
			lines = append(lines, strings.TrimSpace(line))
		}
		return lines
	}
	configured, _ := filepath.Glob("/etc/ld.so.conf.d/*.conf") //nolint:errcheck // the pattern is well-formed
	for _, path := range append([]string{"/etc/ld.so.conf"}, configured...) {
		for _, line := range read(path) {
			if filepath.IsAbs(line) { // "include" lines name the files that are read anyway
				folders = append(folders, line)
			}
		}
	}
	multiarch, _ := filepath.Glob("/usr/lib/*-linux-gnu*") //nolint:errcheck // the pattern is well-formed
	return slices.Concat(folders, multiarch, []string{"/lib64", "/usr/lib64", "/lib", "/usr/lib"})
}
