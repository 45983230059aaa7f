// The function app: a Flex Consumption plan, the custom handler, and every setting it reads.
targetScope = 'resourceGroup'

param planName string
param functionAppName string
param location string
param tags object

@description('The azd service; must equal the key under services in azure.yaml.')
param serviceName string

param identityId string
param identityClientId string

param blobEndpoint string
param packageContainerUrl string
param insightsConnectionString string

@allowed([
  512
  2048
  4096
])
param instanceMemoryMB int

@minValue(1)
@maxValue(1000)
param maximumInstanceCount int

@minValue(0)
param alwaysReadyHttp int

@minValue(1)
@maxValue(1000)
param httpPerInstanceConcurrency int

@description('When the host calls renew: NCRONTAB with six fields, read by the host alone.')
param schedule string

// What follows is read by evergraph. An empty one is not set, so that its default holds.
param fleet string
param stateContainerUrl string
param eventQueueUrl string
param claimContainerUrl string
param subscriptionsSource string

@secure()
param clientStateKeys string

@secure()
param decryptionKeys string

param mode string
param tick string
param publicUrl string
param formerUrls string
param formerApps string
param graphUrl string

resource plan 'Microsoft.Web/serverfarms@2024-04-01' = {
  name: planName
  location: location
  tags: tags
  kind: 'functionapp'
  sku: {
    tier: 'FlexConsumption'
    name: 'FC1'
  }
  properties: {
    reserved: true
  }
}

resource app 'Microsoft.Web/sites@2024-04-01' = {
  name: functionAppName
  location: location
  tags: union(tags, {
    'azd-service-name': serviceName
  })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    keyVaultReferenceIdentity: identityId
    siteConfig: {
      minTlsVersion: '1.2'
    }
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: packageContainerUrl
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
      scaleAndConcurrency: {
        maximumInstanceCount: maximumInstanceCount
        instanceMemoryMB: instanceMemoryMB
        alwaysReady: alwaysReadyHttp > 0 ? [
          {
            name: 'http'
            instanceCount: alwaysReadyHttp
          }
        ] : []
        triggers: {
          http: {
            perInstanceConcurrency: httpPerInstanceConcurrency
          }
        }
      }
      runtime: {
        name: 'custom'
        version: '1.0'
      }
    }
  }
}

// The whole list: a deployment replaces all settings, also those that were made by hand.
resource settings 'Microsoft.Web/sites/config@2024-04-01' = {
  parent: app
  name: 'appsettings'
  properties: union({
    // The host's own storage, without a key.
    AzureWebJobsStorage__credential: 'managedidentity'
    AzureWebJobsStorage__clientId: identityClientId
    AzureWebJobsStorage__blobServiceUri: blobEndpoint
    APPLICATIONINSIGHTS_CONNECTION_STRING: insightsConnectionString
    APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identityClientId};Authorization=AAD'
    // The schedule in function-definitions/renew names this setting.
    EVERGRAPH_SCHEDULE: schedule
    // A user-assigned identity has to be named: the platform has no default for it.
    EVERGRAPH_CREDENTIAL: 'managed-identity'
    EVERGRAPH_CLIENT_ID: identityClientId
    EVERGRAPH_FLEET: fleet
    EVERGRAPH_STATE: stateContainerUrl
    EVERGRAPH_SINK: eventQueueUrl
    EVERGRAPH_SINK_BLOBS: claimContainerUrl
    EVERGRAPH_SUBSCRIPTIONS: subscriptionsSource
    EVERGRAPH_CLIENT_STATE_KEYS: clientStateKeys
    EVERGRAPH_MODE: mode
  }, empty(decryptionKeys) ? {} : {
    EVERGRAPH_DECRYPTION_KEYS: decryptionKeys
  }, empty(tick) ? {} : {
    EVERGRAPH_TICK: tick
  }, empty(publicUrl) ? {} : {
    EVERGRAPH_PUBLIC_URL: publicUrl
  }, empty(formerUrls) ? {} : {
    EVERGRAPH_FORMER_URLS: formerUrls
  }, empty(formerApps) ? {} : {
    EVERGRAPH_FORMER_APPS: formerApps
  }, empty(graphUrl) ? {} : {
    EVERGRAPH_GRAPH_URL: graphUrl
  })
}

// No deployment with a user name and a password.
resource ftp 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-04-01' = {
  parent: app
  name: 'ftp'
  properties: {
    allow: false
  }
}

resource scm 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-04-01' = {
  parent: app
  name: 'scm'
  properties: {
    allow: false
  }
}

output name string = app.name
output baseUrl string = 'https://${app.properties.defaultHostName}'
