package config

import "errors"

var errEdit = errors.New("cannot edit yet")

// PutService adds s, or replaces the service oldName.
func PutService(src []byte, oldName string, s *Service) ([]byte, error) { return nil, errEdit }

// DeleteService removes a service.
func DeleteService(src []byte, name string) ([]byte, error) { return nil, errEdit }

// SetListen sets the local listener's address.
func SetListen(src []byte, addr string) ([]byte, error) { return nil, errEdit }

// SetAuditLog sets or, with nil, clears the audit folder.
func SetAuditLog(src []byte, a *AuditLog) ([]byte, error) { return nil, errEdit }
