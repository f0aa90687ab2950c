package golang

import (
	"errors"
	"fmt"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
)

// source is what the builder needs to know of a function's package.
type source struct {
	dir string
	// name is the package's.
	name string
	// symbols are the exported functions, and variables is which of them are variables.
	symbols   []string
	variables map[string]bool
	// main is the file with func main, or nil; mainName is that name's place in it.
	main     *token.File
	mainName token.Pos
	// mainEmpty says that func main does nothing.
	mainEmpty bool
}

// readSource reads the package in a folder.
func readSource(dir string) (source, error) {
	s := source{dir: dir, variables: map[string]bool{}}
	context := build.Default
	context.CgoEnabled = false
	pkg, err := context.ImportDir(dir, 0)
	if err != nil {
		return s, fmt.Errorf("read the source: %w", err)
	}
	s.name = pkg.Name
	files := token.NewFileSet()
	var faults []error
	for _, name := range pkg.GoFiles {
		file, err := parser.ParseFile(files, filepath.Join(dir, name), nil, parser.SkipObjectResolution)
		if err != nil {
			faults = append(faults, err)
			continue
		}
		for _, d := range file.Decls {
			s.declaration(files, d)
		}
	}
	slices.Sort(s.symbols)
	return s, errors.Join(faults...)
}

func (s *source) declaration(files *token.FileSet, d ast.Decl) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		s.function(files, d)
	case *ast.GenDecl:
		if d.Tok != token.VAR {
			return
		}
		for _, spec := range d.Specs {
			for _, name := range spec.(*ast.ValueSpec).Names {
				if name.IsExported() {
					s.symbols = append(s.symbols, name.Name)
					s.variables[name.Name] = true
				}
			}
		}
	}
}

func (s *source) function(files *token.FileSet, d *ast.FuncDecl) {
	switch {
	case d.Recv != nil || d.Type.TypeParams != nil:
	case s.name == "main" && d.Name.Name == "main":
		s.main, s.mainName = files.File(d.Pos()), d.Name.Pos()
		s.mainEmpty = d.Body == nil || len(d.Body.List) == 0
	case d.Name.IsExported():
		s.symbols = append(s.symbols, d.Name.Name)
	}
}

// isProgram says that the package is a program by itself. One that has a Handler is a function, whatever its main does.
func (s *source) isProgram() bool {
	return s.main != nil && !s.mainEmpty && !slices.Contains(s.symbols, "Handler")
}
