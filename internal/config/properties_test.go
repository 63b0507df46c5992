package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseProperties(t *testing.T) {
	for _, tc := range []struct {
		name, text string
		want       []Property
	}{
		{"three separators", "a=1\nb 2\nc:3\nd = 4\n", []Property{{"a", "1", 1}, {"b", "2", 2}, {"c", "3", 3}, {"d", "4", 4}}},
		{"a value may begin with a separator", "a==b\na : = b\n", []Property{{"a", "=b", 1}, {"a", "= b", 2}}},
		{"key alone", "a\n", []Property{{"a", "", 1}}},
		{"comments only at the beginning", " # x\n\t!y\na=1 # z\n", []Property{{"a", "1 # z", 3}}},
		{"ends of lines", "a=1\rb=2\r\nc=3", []Property{{"a", "1", 1}, {"b", "2", 2}, {"c", "3", 3}}},
		{"continued", "a=1,\\\n  2,\\\r\n 3\nb=4\n", []Property{{"a", "1,2,3", 1}, {"b", "4", 4}}},
		{"an even number of backslashes does not continue", "a=1\\\\\nb=2\n", []Property{{"a", `1\`, 1}, {"b", "2", 2}}},
		{"a comment is not continued", "# x\\\na=1\n", []Property{{"a", "1", 2}}},
		{"inside a continued line # is text", "a=1\\\n#2\n", []Property{{"a", "1#2", 1}}},
		{"an empty line ends a continued one", "a=1\\\n\nb=2\n", []Property{{"a", "1", 1}, {"b", "2", 3}}},
		{"backslash at the end", `a=1\`, []Property{{"a", "1", 1}}},
		{"escapes", `a\=b\ c=\t\n\\\q` + "\n", []Property{{"a=b c", "\t\n\\q", 1}}},
		{"unicode", `a=\u00e9\uD83D\uDE00` + "\n", []Property{{"a", "é😀", 1}}},
		{"bytes are ISO-8859-1", "a=\xe9\n", []Property{{"a", "é", 1}}},
		{"trailing blanks stay", "a=1 \n", []Property{{"a", "1 ", 1}}},
		{"duplicates stay in order", "a=1\na=2\n", []Property{{"a", "1", 1}, {"a", "2", 2}}},
		{"nothing", "\n \n", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := ParseProperties([]byte(tc.text))
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Errorf("%q (-want +got):\n%s", tc.text, d)
			}
		})
	}
}

func TestParsePropertiesRefusesBadEscapes(t *testing.T) {
	for _, text := range []string{`a=\u12`, `\u00zz=1`, `a=\u+123`, `a=\u`} {
		if got, err := ParseProperties([]byte(text)); err == nil {
			t.Errorf("%q: %v", text, got)
		}
	}
}

// What is escaped reads back.
func FuzzParseProperties(f *testing.F) {
	f.Add([]byte("a=1\\\n 2\n#x\nb\\ c : d"))
	f.Add([]byte(`k=\u00e9\ud83d`))
	f.Fuzz(func(t *testing.T, text []byte) {
		first, err := ParseProperties(text)
		if err != nil {
			return
		}
		var again strings.Builder
		for _, p := range first {
			again.WriteString(escape(p.Key) + "=" + escape(p.Value) + "\n")
		}
		second, err := ParseProperties([]byte(again.String()))
		for i := range first {
			first[i].Line = i + 1
		}
		if d := cmp.Diff(first, second); err != nil || d != "" {
			t.Errorf("%q via %q: %v\n%s", text, again.String(), err, d)
		}
	})
}

// escape writes every UTF-16 unit of s as an escape.
func escape(s string) string {
	const hex = "0123456789abcdef"
	var b strings.Builder
	for _, r := range s {
		units := []rune{r}
		if r >= 0x10000 {
			units = []rune{0xd800 + (r-0x10000)>>10, 0xdc00 + (r-0x10000)&0x3ff}
		}
		for _, u := range units {
			b.WriteString(`\u` + string([]byte{hex[u>>12&15], hex[u>>8&15], hex[u>>4&15], hex[u&15]}))
		}
	}
	return b.String()
}
