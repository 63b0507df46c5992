package config

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"ostler/internal/auth"
	"ostler/internal/env"
	"ostler/internal/jaas"
)

// Access are the settings of access control on the client port
// (client-protocol.md section 7).
type Access struct {
	Providers     []string // schemes registered by authProvider.*
	Required      []string // schemes of which a client needs one; nil: none
	EnsembleNames []string // ensembleAuthName
	X509Super     string   // X509AuthenticationProvider.superUser
	EagerCheck    bool     // enableEagerACLCheck

	SASLUsers      map[string]string // passwords by user, of the login section; nil: no SASL
	SASLRules      auth.SASLOptions  // who a SASL user is
	KeepFailedSASL bool              // allowSaslFailedClients
}

// AuthOptions are what the schemes depend on.
func (c *Config) AuthOptions() auth.Options {
	return auth.Options{
		SuperDigest: c.SuperDigest, Alg: c.DigestAlg, SkipACL: c.SkipACL, DigestEnabled: c.DigestAuthEnabled,
		Providers: c.Access.Providers, Required: c.Access.Required, Ensembles: c.Access.EnsembleNames,
		X509Super: c.Access.X509Super, SASL: c.Access.SASLRules,
	}
}

// access holds what the rows about access control gather before it means
// something together.
type access struct {
	enforce      bool     // enforce.auth.enabled
	schemes      []string // enforce.auth.schemes
	requireSASL  bool     // sessionRequireClientSASLAuth
	loginFile    string   // java.security.auth.login.config
	loginSection string   // sasl.serverconfig; "" when not set
	superSecret  string   // SASLAuthenticationProvider.superPassword
}

const defaultLoginSection = "Server"

// checkAccess settles who may log in how, and who must (operations.md 1.10).
func (b *builder) checkAccess() error {
	if err := b.checkLogin(); err != nil {
		return err
	}
	a := &b.access
	required := a.schemes
	switch {
	case a.requireSASL:
		required = []string{"sasl"}
	case !a.enforce:
		return nil
	case len(required) == 0:
		return errors.New("zookeeper.enforce.auth.enabled is true zookeeper.enforce.auth.schemes must be  configured.") //nolint:staticcheck // ZooKeeper's text.
	}
	registered := auth.New(b.cfg.AuthOptions())
	for _, scheme := range required {
		if !registered.Registered(scheme) {
			return fmt.Errorf("Authentication scheme %s is not available. Register its provider with an authProvider.<x> line", scheme) //nolint:staticcheck // ZooKeeper's text.
		}
	}
	if slices.Contains(required, "ip") {
		b.warn("enforce.auth.schemes has ip: every client is somebody by its address, so all are let in")
	}
	b.cfg.Access.Required = required
	return nil
}

// checkLogin reads the server's login section. Without one there is no SASL on the
// client port, and SASL packets are answered as by a server that has none.
func (b *builder) checkLogin() error {
	registered := slices.Contains(b.cfg.Access.Providers, "sasl")
	a := &b.access
	if a.loginFile == "" {
		if registered {
			b.warn("scheme sasl is registered, but java.security.auth.login.config names no login file, so nobody can log in by it")
		}
		return nil
	}
	file, err := b.readLogin(a.loginFile)
	if err != nil {
		return err
	}
	name := a.loginSection
	if name == "" {
		name = defaultLoginSection
	}
	section, ok := file.Section(name)
	switch {
	case !ok && a.loginSection != "":
		return fmt.Errorf("No JAAS configuration section named '%s' was found in '%s'. But zookeeper.sasl.serverconfig was set.", name, file.Name) //nolint:staticcheck // ZooKeeper's text.
	case !ok:
		b.warn("%s has no section %s, so clients cannot log in by SASL", file.Name, name)
		return nil
	}
	if !registered {
		b.warn("clients can log in by SASL, but access lists of scheme sasl need authProvider.1=org.apache.zookeeper.server.auth.SASLAuthenticationProvider")
	}
	return b.takeUsers(file, section)
}

// readLogin reads a login file. Java lets its name begin with "=", for no other
// files besides, and with "file:".
func (b *builder) readLogin(name string) (*jaas.File, error) {
	name = strings.TrimPrefix(strings.TrimPrefix(name, "="), "file:")
	text, err := env.ReadFile(b.loader.FS, name, maxFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("java.security.auth.login.config: %s file is missing", name)
	}
	if err != nil {
		return nil, fmt.Errorf("java.security.auth.login.config: read %s: %w", name, err)
	}
	return jaas.Parse(name, text)
}

func (b *builder) takeUsers(file *jaas.File, section *jaas.Section) error {
	users, idle, err := file.Users(section)
	if err != nil {
		return err
	}
	if len(idle) > 0 {
		b.warn("%s: these options of section %s have no effect: %s", file.Name, section.Name, strings.Join(idle, ", "))
	}
	if secret := b.access.superSecret; secret != "" {
		users["super"] = secret
	}
	if len(users) == 0 {
		b.warn("%s: section %s has no option user_<name>=\"<password>\", so nobody can log in by SASL", file.Name, section.Name)
	}
	b.cfg.Access.SASLUsers = users
	return nil
}

// takeProvider registers the scheme of a provider's class.
func (b *builder) takeProvider(class string) error {
	scheme, err := auth.ProviderScheme(class)
	if err != nil {
		return err
	}
	if list := &b.cfg.Access.Providers; !slices.Contains(*list, scheme) {
		*list = append(*list, scheme)
	}
	return nil
}

// takeNameRules accepts the one rule there is about names of users.
func takeNameRules(rules string) error {
	for _, rule := range strings.Fields(rules) {
		if rule != "DEFAULT" {
			return fmt.Errorf("rule %s is not in this version, which has DEFAULT only: access lists would name users that do not exist", rule)
		}
	}
	return nil
}
