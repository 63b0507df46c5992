package lint

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// fileLinesMax is where a file has a second idea for sure.
const fileLinesMax = 500

// A source is one file of the module that is not a test.
type source struct {
	pkg  string // relative to the module, such as internal/zab
	name string // with its folder
	file *ast.File
	set  *token.FileSet
	size int // lines
}

// sources parses the module.
func sources(t *testing.T) []source {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	var list []source
	set := token.NewFileSet()
	err = filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, _ := filepath.Rel(root, name)
		if d.IsDir() {
			if rel != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || rel == "tools" || rel == "bin") {
				return filepath.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		f, err := parser.ParseFile(set, name, text, parser.ParseComments)
		if err != nil {
			return err
		}
		list = append(list, source{path.Dir(filepath.ToSlash(rel)), rel, f, set, bytes.Count(text, []byte("\n"))})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(list) < 100 {
		t.Fatalf("only %d files found below %s", len(list), root)
	}
	return list
}

func (s source) imports() []string {
	var list []string
	for _, i := range s.file.Imports {
		p, _ := strconv.Unquote(i.Path.Value)
		list = append(list, p)
	}
	return list
}

// layers are the packages of a server from the bottom up: each may import those of
// lower layers, and of its own layer only what is listed with it.
var layers = [][]string{
	{"zk", "invariant"},
	{"env"},
	{"jute", "jute/jutetest"},
	{"wire", "peerwire", "txn"},
	{"auth", "jaas", "sasl", "watch", "session", "ensemble", "snapshot", "txnlog", "throttle", "env/memfs"},
	{"tree", "datadir", "config"},
	{"prep", "zab", "election", "peers", "admin", "shadow"},
	{"replica", "server", "host"},
	{"node"},
	{"sim", "zkcli"},
}

// within are the imports inside one layer.
var within = map[string][]string{
	"jute": {}, "datadir": {}, "zk": {},
}

func layerOf(pkg string) int {
	return slices.IndexFunc(layers, func(l []string) bool { return slices.Contains(l, pkg) })
}

func TestImportsPointDown(t *testing.T) {
	for _, s := range sources(t) {
		pkg, ok := strings.CutPrefix(s.pkg, "internal/")
		if !ok || pkg == "lint" {
			continue
		}
		own := layerOf(pkg)
		if own < 0 {
			t.Errorf("%s: package %s is in no layer of this test; give it one", s.name, pkg)
			continue
		}
		for _, imported := range s.imports() {
			other, ok := strings.CutPrefix(imported, "ostler/internal/")
			if !ok {
				continue
			}
			if l := layerOf(other); l > own || l == own && !slices.Contains(within[pkg], other) {
				t.Errorf("%s imports %s, which is not below it", s.name, other)
			}
		}
	}
}

// A ban keeps an import to the packages that it is for.
var bans = []struct {
	imports string // exactly, or with its subpackages when it ends in /
	only    []string
	why     string
}{
	{"os", []string{"internal/host", "internal/zkcli"}, "files and processes are reached through env"},
	{"os/", []string{"internal/host", "internal/zkcli"}, "files and processes are reached through env"},
	{"net", []string{"internal/host"}, "connections are made through env.Net"},
	{"crypto/tls", []string{"internal/host", "internal/zkcli"}, "connections are made through env.Net"},
	{"syscall", []string{"internal/host"}, "system calls are host's"},
	{"golang.org/x/sys/", []string{"internal/host"}, "system calls are host's"},
	{"net/http", []string{"internal/admin"}, "only the admin server speaks HTTP"},
	{"math/rand", nil, "random numbers come from env.Env.Rand (math/rand/v2)"},
}

func TestBannedImports(t *testing.T) {
	for _, s := range sources(t) {
		if !strings.HasPrefix(s.pkg, "internal/") {
			continue
		}
		for _, imported := range s.imports() {
			for _, b := range bans {
				hit := imported == b.imports || strings.HasSuffix(b.imports, "/") && strings.HasPrefix(imported, b.imports)
				if hit && !slices.Contains(b.only, s.pkg) {
					t.Errorf("%s imports %s: %s", s.name, imported, b.why)
				}
			}
		}
	}
}

// bannedCalls reach around the seams.
var bannedCalls = map[string][]string{
	"time":         {"Now", "Since", "Until", "After", "AfterFunc", "Sleep", "Tick", "NewTimer", "NewTicker"},
	"math/rand/v2": {"Int", "IntN", "Int64N", "Uint32", "Uint64", "Float64", "Perm", "Shuffle", "N"},
}

// free are the packages that are the outside world themselves, or above it.
var free = []string{"internal/host", "internal/zkcli", "internal/lint"}

func TestNobodyReachesAroundTheSeams(t *testing.T) {
	for _, s := range sources(t) {
		if !strings.HasPrefix(s.pkg, "internal/") || slices.Contains(free, s.pkg) {
			continue
		}
		names := map[string]string{} // local name of a package with banned calls
		for _, imported := range s.imports() {
			if _, ok := bannedCalls[imported]; ok {
				local := path.Base(imported)
				if local == "v2" {
					local = "rand"
				}
				names[local] = imported
			}
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.GoStmt:
				t.Errorf("%s starts a goroutine: loops come from env.Loops", s.set.Position(n.Pos()))
			case *ast.SelectorExpr:
				x, ok := n.X.(*ast.Ident)
				if ok && x.Obj == nil && slices.Contains(bannedCalls[names[x.Name]], n.Sel.Name) {
					t.Errorf("%s uses %s.%s: it comes from env", s.set.Position(n.Pos()), x.Name, n.Sel.Name)
				}
			}
			return true
		})
	}
}

func TestEveryPackageHasAComment(t *testing.T) {
	commented := map[string]bool{}
	for _, s := range sources(t) {
		name := s.file.Name.Name
		want := "Package " + name + " "
		if name == "main" {
			want = "Command "
		}
		commented[s.pkg] = commented[s.pkg] || strings.HasPrefix(s.file.Doc.Text(), want)
	}
	for pkg, ok := range commented {
		if !ok {
			t.Errorf("%s has no package comment", pkg)
		}
	}
}

func TestFilesStayShort(t *testing.T) {
	for _, s := range sources(t) {
		if s.size > fileLinesMax {
			t.Errorf("%s has %d lines, more than %d: what is its second idea?", s.name, s.size, fileLinesMax)
		}
	}
}

// Exported names of internal packages are what others rely on.
func TestExportedNamesHaveComments(t *testing.T) {
	for _, s := range sources(t) {
		if s.file.Name.Name == "main" {
			continue
		}
		for _, d := range s.file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Name.IsExported() && d.Doc == nil && exportedReceiver(d) {
					t.Errorf("%s: %s has no comment", s.set.Position(d.Pos()), d.Name.Name)
				}
			case *ast.GenDecl:
				for _, spec := range d.Specs {
					if ts, ok := spec.(*ast.TypeSpec); ok && ts.Name.IsExported() && d.Doc == nil && ts.Doc == nil && ts.Comment == nil && len(d.Specs) == 1 {
						t.Errorf("%s: type %s has no comment", s.set.Position(ts.Pos()), ts.Name.Name)
					}
				}
			}
		}
	}
}

func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	x := d.Recv.List[0].Type
	for {
		switch y := x.(type) {
		case *ast.StarExpr:
			x = y.X
		case *ast.IndexExpr:
			x = y.X
		case *ast.Ident:
			return y.IsExported()
		default:
			panic(fmt.Sprintf("receiver of type %T", x))
		}
	}
}
