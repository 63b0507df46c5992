package jaas

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A file as it is found in clusters: comments of both kinds, several sections and
// modules, values with and without quotes (operations.md 7.5).
const field = `// for the servers
Server {
    org.apache.zookeeper.server.auth.DigestLoginModule required
    user_super="admin secret"  /* two
    lines */
    user_bob=bob-secret.1;
    org.apache.zookeeper.server.auth.DigestLoginModule OPTIONAL
    debug=true user_ann="a\"b\\c\t\101;{}=//";
};
"Quorum Server" { };
Client { com.sun.security.auth.module.Krb5LoginModule sufficient useKeyTab=true
  keyTab="/etc/z.keytab" principal="zk/h@R"; };
`

func TestParse(t *testing.T) {
	f, err := Parse("jaas.conf", []byte(field))
	if err != nil {
		t.Fatal(err)
	}
	want := []Section{
		{Name: "Server", Line: 2, Modules: []Module{
			{Class: digestModule, Line: 3, Flag: "required", Options: []Option{
				{"user_super", "admin secret", 4}, {"user_bob", "bob-secret.1", 6},
			}},
			{Class: digestModule, Line: 7, Flag: "optional", Options: []Option{
				{"debug", "true", 8}, {"user_ann", "a\"b\\c\tA;{}=//", 8},
			}},
		}},
		{Name: "Quorum Server", Line: 10},
		{Name: "Client", Line: 11, Modules: []Module{
			{Class: kerberosModule, Line: 11, Flag: "sufficient", Options: []Option{
				{"useKeyTab", "true", 11}, {"keyTab", "/etc/z.keytab", 12}, {"principal", "zk/h@R", 12},
			}},
		}},
	}
	if d := cmp.Diff(want, f.Sections); d != "" {
		t.Errorf("sections (-want +got):\n%s", d)
	}
	if _, ok := f.Section("server"); ok {
		t.Error("names of sections are found in another case")
	}
}

func TestUsers(t *testing.T) {
	f, err := Parse("jaas.conf", []byte(field))
	if err != nil {
		t.Fatal(err)
	}
	s, _ := f.Section("Server")
	users, idle, err := f.Users(s)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"super": "admin secret", "bob": "bob-secret.1", "ann": "a\"b\\c\tA;{}=//"}
	if d := cmp.Diff(want, users); d != "" {
		t.Errorf("users (-want +got):\n%s", d)
	}
	if d := cmp.Diff([]string{"debug"}, idle); d != "" {
		t.Errorf("idle options (-want +got):\n%s", d)
	}
	s, _ = f.Section("Client")
	if _, _, err := f.Users(s); err == nil || !strings.HasPrefix(err.Error(), "jaas.conf:11: section Client logs in by Kerberos") {
		t.Errorf("Kerberos: %v", err)
	}
	f, err = Parse("x", []byte("A { a.B required; };"))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := f.Users(&f.Sections[0]); err == nil || !strings.HasPrefix(err.Error(), "x:1: login module a.B in section A is not known") {
		t.Errorf("unknown module: %v", err)
	}
}

func TestErrorsNameTheLine(t *testing.T) {
	for text, want := range map[string]string{
		"A {\n a.B required\n x=1 }":          `f:3: ";" or the name of an option is missing before "}"`,
		"A {\n a.B needed;\n};":               `f:2: "needed" is none of required, requisite, sufficient and optional`,
		"A {\n a.B;\n};":                      `f:2: required, requisite, sufficient or optional is missing before ";"`,
		"A {\n a.B required x;\n};":           `f:2: "=" after option x is missing before ";"`,
		"A {\n a.B required x=;\n};":          `f:2: the value of option x is missing before ";"`,
		"A {\n a.B required x=\"secret\n};":   `f:2: a quote is not closed in its line`,
		"A {\n a.B required x \"secret\";};":  `f:2: "=" after option x is missing before a text in quotes`,
		"A {\n a.B required x=\"${secret}\";": `f:2: the value of option x has a ${variable}, which is not replaced here; write the value itself`,
		"A {\n};\n/* \n":                      `f:3: a comment is not closed`,
		"A {\n}\n":                            `f:3: ";" is missing before the end of the file`,
		"A {\n":                               `f:2: the class of a login module is missing before the end of the file`,
		"A\n a.B":                             `f:2: "{" is missing before "a.B"`,
		"{};":                                 `f:1: the name of a section is missing before "{"`,
		"A {};\nB {};\nA {};":                 `f:3: section A is there twice, first in line 1`,
		"A {\n a:B required; };":              `f:2: unexpected ':'`,
		"A {};\n\"":                           `f:2: a quote is not closed in its line`,
	} {
		if f, err := Parse("f", []byte(text)); err == nil || err.Error() != want {
			t.Errorf("%q: got %v, %v, want error %s", text, f, err, want)
		}
	}
	for _, text := range []string{"", "// nothing", "/**/ A{};", "A{};B{};"} {
		if _, err := Parse("f", []byte(text)); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(field))
	f.Add([]byte(`A { a.B required x="\`))
	f.Add([]byte(`A { a.B required x="\7777\n`))
	f.Fuzz(func(t *testing.T, text []byte) {
		file, err := Parse("f", text)
		if (file == nil) == (err == nil) {
			t.Fatalf("%q: %v, %v", text, file, err)
		}
		if err != nil && !strings.HasPrefix(err.Error(), "f:") {
			t.Errorf("%q: %v names no line", text, err)
		}
	})
}
