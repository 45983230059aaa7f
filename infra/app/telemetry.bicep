// Where logs go: a workspace, and an Application Insights component that takes Entra tokens only.
targetScope = 'resourceGroup'

param workspaceName string
param insightsName string
param location string
param tags object

@description('Object id of the identity that may send telemetry.')
param principalId string

@minValue(30)
@maxValue(730)
param retentionInDays int

// Monitoring Metrics Publisher: what the host needs to send with a token instead of a key.
var metricsPublisher = '3913510d-42f4-4e42-8a64-420c390055eb'

resource workspace 'Microsoft.OperationalInsights/workspaces@2023-09-01' = {
  name: workspaceName
  location: location
  tags: tags
  properties: {
    retentionInDays: retentionInDays
    sku: {
      name: 'PerGB2018'
    }
  }
}

resource insights 'Microsoft.Insights/components@2020-02-02' = {
  name: insightsName
  location: location
  tags: tags
  kind: 'web'
  properties: {
    Application_Type: 'web'
    WorkspaceResourceId: workspace.id
    DisableLocalAuth: true
  }
}

resource metricsRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(insights.id, principalId, metricsPublisher)
  scope: insights
  properties: {
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', metricsPublisher)
    principalId: principalId
    principalType: 'ServicePrincipal'
  }
}

output insightsConnectionString string = insights.properties.ConnectionString
