package git

import (
	"regexp"
	"slices"
	"strings"
)

// pattern is a line of a .gitignore. It is about a path itself, not about what lies below: that is left out with the folder, when one goes down. go-git has
// such patterns too, but there "!folder/" brings back every file in the folder, which git does not.
type pattern struct {
	path    *regexp.Regexp // from the root of the work tree
	brings  bool           // back what a line before leaves out
	folders bool           // alone
}

// parsePattern reads a line of the .gitignore of a folder, "" for the root; false where it is about nothing: a comment, a blank line, or no pattern at all.
func parsePattern(line, folder string) (p pattern, is bool) {
	if strings.HasPrefix(line, "#") {
		return p, false
	}
	for strings.HasSuffix(line, " ") && !strings.HasSuffix(line, `\ `) {
		line = line[:len(line)-1]
	}
	line, p.brings = strings.CutPrefix(line, "!")
	line, p.folders = strings.CutSuffix(line, "/")
	if line == "" {
		return p, false
	}
	within := `(?:.*/)?`
	if strings.Contains(line, "/") {
		line, within = strings.TrimPrefix(line, "/"), ""
	}
	if folder != "" {
		within = regexp.QuoteMeta(folder+"/") + within
	}
	glob, is := expression(line)
	if !is {
		return p, false
	}
	var err error
	p.path, err = regexp.Compile(`(?s)^` + within + glob + `$`)
	return p, err == nil
}

// expression is a glob of git as a regular expression; false where it fits nothing, as git has it: a bracket that is not closed, a backslash at the end.
func expression(glob string) (string, bool) {
	var e strings.Builder
	for at := 0; at < len(glob); {
		rest := glob[at:]
		begins := at == 0 || glob[at-1] == '/'
		switch {
		case begins && strings.HasPrefix(rest, "**/"):
			e.WriteString(`(?:.*/)?`)
			at += 3
		case begins && rest == "**" && at > 0:
			e.WriteString(`.*`)
			at += 2
		case rest[0] == '*':
			e.WriteString(`[^/]*`)
			at += len(rest) - len(strings.TrimLeft(rest, "*"))
		case rest[0] == '?':
			e.WriteString(`[^/]`)
			at++
		case rest[0] == '[':
			set, length := class(rest)
			if length == 0 {
				return "", false
			}
			e.WriteString(set)
			at += length
		case rest[0] == '\\':
			if len(rest) == 1 {
				return "", false
			}
			e.WriteString(regexp.QuoteMeta(rest[1:2]))
			at += 2
		default:
			e.WriteString(regexp.QuoteMeta(rest[:1]))
			at++
		}
	}
	return e.String(), true
}

// class is a bracket of a glob, at its beginning, as a regular expression, and its length; 0 where it is not closed. No bracket fits a slash.
func class(glob string) (set string, length int) {
	at := 1
	set = "["
	if at < len(glob) && (glob[at] == '!' || glob[at] == '^') {
		set, at = "[^/", at+1
	}
	for first := at; at < len(glob); at++ {
		switch {
		case glob[at] == ']' && at > first:
			return set + "]", at + 1
		case glob[at] == '\\' && at+1 < len(glob):
			at++
			set += regexp.QuoteMeta(glob[at : at+1])
		case strings.HasPrefix(glob[at:], "[:"):
			end := strings.Index(glob[at:], ":]")
			if end < 0 {
				return "", 0
			}
			set += glob[at : at+end+2]
			at += end + 1
		case glob[at] == '-':
			set += "-"
		default:
			set += regexp.QuoteMeta(glob[at : at+1])
		}
	}
	return "", 0
}

// leftOut says whether the last of the patterns that is about a path leaves it out.
func leftOut(patterns []pattern, name string, folder bool) bool {
	for _, p := range slices.Backward(patterns) {
		if (folder || !p.folders) && p.path.MatchString(name) {
			return !p.brings
		}
	}
	return false
}
