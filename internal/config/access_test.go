package config

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"ostler/internal/auth"
)

const (
	providers    = "org.apache.zookeeper.server.auth."
	saslProvider = "authProvider.1=" + providers + "SASLAuthenticationProvider\n"
	loginFile    = "java.security.auth.login.config=/etc/jaas\n"
	loginText    = `Server { org.apache.zookeeper.server.auth.DigestLoginModule required user_bob="bobsecret" user_super="a"; };` + "\n"
)

func TestAccess(t *testing.T) { // operations.md 1.4
	got, warnings, err := load(t, solo+saslProvider+loginFile+`
authProvider.ens=org.apache.zookeeper.server.auth.EnsembleAuthenticationProvider
authProvider.again=org.apache.zookeeper.server.auth.SASLAuthenticationProvider
authProvider.ip=org.apache.zookeeper.server.auth.IPAuthenticationProvider
ensembleAuthName=blue, green
X509AuthenticationProvider.superUser=CN=root
enableEagerACLCheck=true
enforce.auth.enabled=true
enforce.auth.schemes=sasl, digest
superUser=root
superUser.b=ann
SASLAuthenticationProvider.superPassword=adminsecret
allowSaslFailedClients=true
letAnySaslUserDoX=x
kerberos.removeHostFromPrincipal=true
kerberos.removeRealmFromPrincipal=true
java.security.krb5.realm=R
security.auth_to_local=DEFAULT
`, files{"/etc/jaas": loginText})
	if err != nil {
		t.Fatal(err)
	}
	want := Access{
		Providers: []string{"sasl", "ensemble", "ip"}, Required: []string{"sasl", "digest"},
		EnsembleNames: []string{"blue", "green"}, X509Super: "CN=root", EagerCheck: true,
		SASLUsers: map[string]string{"bob": "bobsecret", "super": "adminsecret"},
		SASLRules: auth.SASLOptions{
			Supers: []string{"root", "ann"}, AnyUser: "x", DefaultRealm: "R", RemoveHost: true, RemoveRealm: true,
		},
		KeepFailedSASL: true,
	}
	if d := cmp.Diff(want, got.Access); d != "" {
		t.Errorf("access (-want +got):\n%s", d)
	}
	if len(warnings) != 2 || !strings.Contains(warnings[0], "every SASL user may do what sasl:x may") {
		t.Errorf("warnings %q, want one of letAnySaslUserDoX and one of standalone mode", warnings)
	}
}

func TestAccessErrors(t *testing.T) {
	for _, tc := range []struct{ name, text, want string }{
		{"enforced without schemes", "enforce.auth.enabled=true\n", "zookeeper.enforce.auth.enabled is true zookeeper.enforce.auth.schemes must be  configured."},
		{"enforced with no scheme in the list", "enforce.auth.enabled=true\nenforce.auth.schemes= ,\n", "must be  configured."},
		{"a scheme that is not registered", "enforce.auth.enabled=true\nenforce.auth.schemes=digest,x509\n", "Authentication scheme x509 is not available."},
		{"digest switched off", "enforce.auth.enabled=true\nenforce.auth.schemes=digest\nDigestAuthenticationProvider.enabled=false\n", "Authentication scheme digest is not available."},
		{"SASL required without the provider", "sessionRequireClientSASLAuth=true\n", "Authentication scheme sasl is not available."},
		{"a switch that is neither", "enforce.auth.enabled=yes\n", `enforce.auth.enabled (line 3): "yes" is neither true nor false`},
		{"unknown provider", "authProvider.1=com.acme.Auth\n", "authProvider.1 (line 3): the class com.acme.Auth is not known"},
		{"sample provider", "authProvider.1=" + providers + "KeyAuthenticationProvider\n", "is a sample of ZooKeeper's"},
		{"rules", "security.auth_to_local=RULE:[1:$1] DEFAULT\n", "rule RULE:[1:$1] is not in this version"},
		{"login file missing", "java.security.auth.login.config=/etc/none\n", "java.security.auth.login.config: /etc/none file is missing"},
		{"login file broken", "java.security.auth.login.config=/etc/broken\n", `/etc/broken:2: ";" is missing before the end of the file`},
		{"Kerberos", loginFile + "sasl.serverconfig=Kerberos\n", "/etc/jaas:2: section Kerberos logs in by Kerberos, which is not in this version"},
		{"section missing", loginFile + "sasl.serverconfig=Serber\n", "No JAAS configuration section named 'Serber' was found in '/etc/jaas'."},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, _, err := load(t, solo+tc.text, files{
				"/etc/jaas":   loginText + "Kerberos { com.sun.security.auth.module.Krb5LoginModule required; };\n",
				"/etc/broken": "Server {\n}",
			})
			var e *Error
			if !errors.As(err, &e) || e.Exit != ExitInvalid || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q with exit %d", err, tc.want, ExitInvalid)
			}
		})
	}
}

// What lets nobody in, or everybody, is warned about; and without a section for
// the server there is no SASL (client-protocol.md 7.7).
func TestAccessWarnings(t *testing.T) {
	for _, tc := range []struct {
		name, text, jaas, want string
		users                  int // -1: no SASL
	}{
		{"all is well", saslProvider + loginFile, loginText, "", 2},
		{"provider without login file", saslProvider, "", "names no login file", -1},
		{"login without provider", loginFile, loginText, "access lists of scheme sasl need", 2},
		{"another section", saslProvider + loginFile, "QuorumServer {};", "/etc/jaas has no section Server, so clients cannot log in by SASL", -1},
		{"no users", saslProvider + loginFile, "Server {};", "section Server has no option user_<name>", 0},
		{"other options", saslProvider + loginFile, strings.Replace(loginText, " user_bob", " debug=true user_bob", 1), "these options of section Server have no effect: debug", 2},
		{"a section of another name", saslProvider + loginFile + "sasl.serverconfig=Zk\n", strings.Replace(loginText, "Server", "Zk", 1), "", 2},
		{"as Java takes the name", saslProvider + "java.security.auth.login.config==file:/etc/jaas\n", loginText, "", 2},
		{"ip is enough", "enforce.auth.enabled=true\nenforce.auth.schemes=ip\n", "", "so all are let in", -1},
		{"schemes without the switch", "enforce.auth.schemes=nobody\n", "", "", -1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, warnings, err := load(t, solo+tc.text, files{"/etc/jaas": tc.jaas})
			if err != nil {
				t.Fatal(err)
			}
			text := strings.Join(warnings, "\n")
			if tc.want == "" && len(warnings) != 1 || !strings.Contains(text, tc.want) {
				t.Errorf("warnings %q, want %q besides the one of standalone mode", warnings, tc.want)
			}
			if got := c.Access.SASLUsers; (got == nil) != (tc.users < 0) || got != nil && len(got) != tc.users {
				t.Errorf("users %v, want %d", got, tc.users)
			}
		})
	}
}

// sessionRequireClientSASLAuth wins over the list of schemes.
func TestSASLRequired(t *testing.T) {
	c, _, err := load(t, solo+saslProvider+"sessionRequireClientSASLAuth=true\nenforce.auth.schemes=digest\n", nil)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"sasl"}, c.Access.Required); d != "" {
		t.Errorf("required (-want +got):\n%s", d)
	}
}
