// evergraph on Azure: one resource group with a function app (Flex Consumption, custom handler),
// an identity, a storage account without keys, and logs. Made for `azd up`; see docs/deploy.md.
targetScope = 'subscription'

@description('Name of the azd environment. It names the resource group and, unless fleet is given, the fleet.')
@minLength(1)
@maxLength(64)
param environmentName string

@description('Where everything stands. The region must offer Flex Consumption.')
@metadata({
  azd: {
    type: 'location'
  }
})
param location string

@description('The ring of keys that sign clientState: kid:base64 entries separated by commas, the first signs, all verify.')
@secure()
@minLength(45)
param clientStateKeys string

@description('Private RSA keys that open resource data: certificate_id=PEM entries separated by commas, certificate_id=URL (or *=URL) of secrets of a Key Vault that the identity may read, or a Key Vault reference to such a list. Empty: none.')
@secure()
param decryptionKeys string = ''

@description('Id of the fleet: 3 to 32 of a-z, 0-9 and hyphen. It stands in every notification URL, so choose it once. Empty: the name of the environment in lower case.')
param fleet string = ''

@description('Where the declared subscriptions are read: the URL of a blob, or a path. Empty: the file that the package holds.')
param subscriptionsSource string = ''

@description('How much evergraph may do. observe changes nothing and suits a first deployment.')
@allowed([
  'full'
  'create-only'
  'renew-only'
  'observe'
])
param mode string = 'full'

@description('When a pass runs: NCRONTAB with six fields. Change tick with it.')
param schedule string = '0 */5 * * * *'

@description('The time between two passes, as evergraph reads it. Empty: its default of five minutes, which is what the default schedule gives.')
param tick string = ''

@description('Origin of the notification URLs when it is not the host name of the app, such as a custom domain. Empty: the host name.')
param publicUrl string = ''

@description('Former notification URLs of this fleet, separated by commas: their subscriptions are moved.')
param formerUrls string = ''

@description('Former application ids of this fleet, separated by commas: what they own may be listed and deleted.')
param formerApps string = ''

@description('Graph of a national cloud, with its version. Empty: the public cloud.')
param graphUrl string = ''

@description('Memory of an instance. evergraph needs well under 64 MB, the Functions host some 220 MB.')
@allowed([
  512
  2048
  4096
])
param instanceMemoryMB int = 512

@description('Bound of instances that are started on demand, for each group of functions. Not every region takes less than 40.')
@minValue(1)
@maxValue(1000)
param maximumInstanceCount int = 40

@description('Instances that are kept ready for notifications. One avoids the cold start, at some dollars a month.')
@minValue(0)
param alwaysReadyHttp int = 0

@description('Notifications that one instance takes at a time before another is started.')
@minValue(1)
@maxValue(1000)
param httpPerInstanceConcurrency int = 50

@description('Days that logs are kept.')
@minValue(30)
@maxValue(730)
param logRetentionDays int = 30

var resourceToken = uniqueString(subscription().id, environmentName, location)
var tags = {
  'azd-env-name': environmentName
}

resource group 'Microsoft.Resources/resourceGroups@2021-04-01' = {
  name: 'rg-${environmentName}'
  location: location
  tags: tags
}

module identity 'app/identity.bicep' = {
  name: 'evergraph-identity'
  scope: group
  params: {
    name: 'id-evergraph-${resourceToken}'
    location: location
    tags: tags
  }
}

module storage 'app/storage.bicep' = {
  name: 'evergraph-storage'
  scope: group
  params: {
    name: 'stevg${resourceToken}'
    location: location
    tags: tags
    principalId: identity.outputs.principalId
    packageContainer: 'app-package'
    stateContainer: 'evergraph-state'
    eventQueue: 'evergraph-events'
    claimContainer: 'evergraph-claims'
  }
}

module telemetry 'app/telemetry.bicep' = {
  name: 'evergraph-telemetry'
  scope: group
  params: {
    workspaceName: 'log-evergraph-${resourceToken}'
    insightsName: 'appi-evergraph-${resourceToken}'
    location: location
    tags: tags
    principalId: identity.outputs.principalId
    retentionInDays: logRetentionDays
  }
}

// After storage and telemetry, because it takes their outputs: so the roles stand before the
// platform first reads the package with the identity.
module app 'app/function.bicep' = {
  name: 'evergraph-function'
  scope: group
  params: {
    planName: 'plan-evergraph-${resourceToken}'
    functionAppName: 'func-evergraph-${resourceToken}'
    location: location
    tags: tags
    serviceName: 'api'
    identityId: identity.outputs.id
    identityClientId: identity.outputs.clientId
    blobEndpoint: storage.outputs.blobEndpoint
    packageContainerUrl: storage.outputs.packageContainerUrl
    insightsConnectionString: telemetry.outputs.insightsConnectionString
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
    alwaysReadyHttp: alwaysReadyHttp
    httpPerInstanceConcurrency: httpPerInstanceConcurrency
    schedule: schedule
    fleet: empty(fleet) ? toLower(replace(environmentName, '_', '-')) : fleet
    stateContainerUrl: storage.outputs.stateContainerUrl
    eventQueueUrl: storage.outputs.eventQueueUrl
    claimContainerUrl: storage.outputs.claimContainerUrl
    subscriptionsSource: empty(subscriptionsSource) ? '/home/site/wwwroot/subscriptions.toml' : subscriptionsSource
    clientStateKeys: clientStateKeys
    decryptionKeys: decryptionKeys
    mode: mode
    tick: tick
    publicUrl: publicUrl
    formerUrls: formerUrls
    formerApps: formerApps
    graphUrl: graphUrl
  }
}

// Read by azd and by the hooks. None has the name of a variable that main.parameters.json reads:
// an output would come back as an input of the next deployment.
output AZURE_RESOURCE_GROUP string = group.name
output FUNCTION_APP_NAME string = app.outputs.name
output FUNCTION_APP_URL string = app.outputs.baseUrl
output IDENTITY_CLIENT_ID string = identity.outputs.clientId
output IDENTITY_PRINCIPAL_ID string = identity.outputs.principalId
output STATE_CONTAINER_URL string = storage.outputs.stateContainerUrl
output EVENT_QUEUE_URL string = storage.outputs.eventQueueUrl
