package cli

import (
	"bytes"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	v1 "hotpod.dev/api/v1"
)

// language is what the command knows of one: by what its code is recognised, and the environment that runs it.
type language struct {
	name  string // also the name of an environment that the command creates
	image string
	// extensions of a single file, and files that lie at the top of a project.
	extensions, projects []string
}

// languages returns the languages that are recognised.
func languages() []language {
	return []language{
		{"nodejs", "fission/node-env", []string{".js", ".mjs", ".cjs"}, []string{"package.json"}},
		{"python", "fission/python-env", []string{".py"}, []string{"requirements.txt", "pyproject.toml"}},
		{"go", "fission/go-env", []string{".go"}, []string{"go.mod"}},
		{"php", "fission/php-env", []string{".php"}, []string{"composer.json"}},
		{"dotnet", "fission/dotnet8-env", []string{".cs"}, []string{"*.csproj"}},
		{"ruby", "fission/ruby-env", []string{".rb"}, []string{"Gemfile"}},
		{"binary", "fission/binary-env", []string{".sh"}, nil},
	}
}

// languageOf returns the language of files, globs and folders as the user named them; ok is false when none is recognised.
func languageOf(names []string) (found language, ok bool) {
	for _, name := range names {
		for _, l := range languages() {
			if slices.Contains(l.extensions, strings.ToLower(filepath.Ext(name))) || l.hasProject(name) {
				return l, true
			}
		}
	}
	if len(names) == 1 && isProgram(names[0]) {
		all := languages()
		return all[len(all)-1], true
	}
	return language{}, false
}

// hasProject reports whether a folder holds a project of the language, by its manifest or, without one, by its sources.
func (l language) hasProject(folder string) bool {
	if info, err := os.Stat(folder); err != nil || !info.IsDir() {
		return false
	}
	patterns := slices.Clone(l.projects)
	for _, ext := range l.extensions {
		patterns = append(patterns, "*"+ext)
	}
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		found, err := filepath.Glob(filepath.Join(folder, pattern))
		return err == nil && len(found) > 0
	})
}

// isProgram reports whether a file is one that the system can start: a script with an interpreter or a Linux program.
func isProgram(name string) bool {
	f, err := os.Open(name)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, 4)
	n, err := f.Read(head)
	return err == nil && (bytes.HasPrefix(head[:n], []byte("#!")) || bytes.Equal(head[:n], []byte("\x7fELF")))
}

// runs reports whether an environment's image is one of the language: fission/node-env-22:latest is Node.js, whatever the
// registry.
func (l language) runs(env *v1.Environment) bool {
	image := path.Base(env.Spec.Runtime.Image)
	image, _, _ = strings.Cut(image, "@")
	image, _, _ = strings.Cut(image, ":")
	stem := func(s string) string {
		s, _, _ = strings.Cut(path.Base(s), "-env")
		return strings.TrimRight(s, "0123456789")
	}
	return strings.Contains(image, "-env") && stem(image) == stem(l.image)
}

// extensions lists what is recognised, for messages.
func extensions() string {
	var out []string
	for _, l := range languages() {
		out = append(out, l.extensions...)
	}
	return strings.Join(out, ", ")
}

// names returns all that the user named as code.
func (c *codeFlags) names() []string { return slices.Concat(c.code, c.deploy, c.source) }
