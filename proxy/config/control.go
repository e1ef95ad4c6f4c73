package config

import "fmt"

// checkControl says what is wrong with what a service holds its callers to.
func checkControl(s *Service) error {
	if err := checkLeakGuard(s.LeakGuard); err != nil {
		return fmt.Errorf("leak_guard: %w", err)
	}
	if err := CheckRules(s.Rules); err != nil {
		return err
	}
	if err := checkLimits(s); err != nil {
		return err
	}
	if s.Drift != "" {
		if err := CheckDrift(s.Drift); err != nil {
			return fmt.Errorf("drift: %w", err)
		}
	}
	return nil
}

// SetControl gives a service what s holds its callers to: its rules, limits, guards
// and drift. The rest of it stays as it is, and what says the same already stays as
// it is written, with its comments.
func SetControl(src []byte, s *Service) ([]byte, error) {
	if err := checkControl(s); err != nil {
		return nil, err
	}
	e, err := edit(src)
	if err != nil {
		return nil, err
	}
	services, err := e.services()
	if err != nil {
		return nil, err
	}
	i := services.find(s.Name)
	if i < 0 {
		return nil, noService(s.Name)
	}
	it := &services.items[i]
	o, err := e.objectAt(&it.value, s.Name, "")
	if err != nil {
		return nil, err
	}
	members := services.members(it, o)
	if err := e.putControl(members, s); err != nil {
		return nil, err
	}
	members.store()
	services.store()
	return e.bytes()
}

func (e *editor) putControl(l *list, s *Service) error {
	if err := putRules(l, s.Rules); err != nil {
		return err
	}
	putDrift(l, s.Drift)
	putLeakGuard(l, s.LeakGuard)
	return e.putServiceLimits(l, s)
}
