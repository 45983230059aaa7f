// The one identity of the app: it reads the package, keeps the state, sends telemetry and calls
// Graph. User-assigned, so that its Graph permissions outlive the function app.
targetScope = 'resourceGroup'

param name string
param location string
param tags object

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: name
  location: location
  tags: tags
}

output id string = identity.id
output clientId string = identity.properties.clientId
output principalId string = identity.properties.principalId
