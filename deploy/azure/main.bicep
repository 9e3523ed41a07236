// imageferry on Azure Container Apps, with PostgreSQL, Azure Managed Redis and Blob Storage, in a network of its own.
// docs/azure.md says how to install it, what it costs to run, and how it scales.

@description('Prefix of all names: lower-case letters, digits and hyphens.')
@minLength(2)
@maxLength(16)
param name string = 'imageferry'

@description('Region of everything.')
param location string = resourceGroup().location

@description('Container registry of this resource group that has the image.')
param registryName string

@description('Repository and tag of the image in it.')
param image string

@description('Key vault of this resource group, with Azure RBAC, that has the secrets api-token and google-api-key.')
param keyVaultName string

@description('Password of the database, with capitals, small letters and digits; the same at every deployment.')
@secure()
@minLength(16)
param databasePassword string

@description('Size of the database server.')
param databaseSku object = {
  name: 'Standard_B2s'
  tier: 'Burstable'
}

@description('Size of the Redis that is the broker; up to Balanced_B20.')
param redisSku string = 'Balanced_B0'

@description('Transfer workers while there is nothing to import.')
@minValue(0)
param minTransferReplicas int = 0

@description('Transfer workers at most.')
@minValue(1)
param maxTransferReplicas int = 10

@description('Further names of the gateway, such as a custom domain, separated by commas.')
param hostNames string = ''

var roleIds = {
  acrPull: '7f951dda-4ed3-4680-a7ca-43fe172d538d'
  blobDataContributor: 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'
  keyVaultSecretsUser: '4633458b-17de-408a-b874-0445c86b69e6'
}

// ---- Who the apps are, and what they may use

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: name
  location: location
}

resource registry 'Microsoft.ContainerRegistry/registries@2023-07-01' existing = {
  name: registryName
}

resource vault 'Microsoft.KeyVault/vaults@2023-07-01' existing = {
  name: keyVaultName
}

resource pullsImages 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(registry.id, identity.id, roleIds.acrPull)
  scope: registry
  properties: {
    principalId: identity.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleIds.acrPull)
  }
}

resource readsSecrets 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(vault.id, identity.id, roleIds.keyVaultSecretsUser)
  scope: vault
  properties: {
    principalId: identity.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleIds.keyVaultSecretsUser)
  }
}

resource storesImages 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(storage.id, identity.id, roleIds.blobDataContributor)
  scope: storage
  properties: {
    principalId: identity.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleIds.blobDataContributor)
  }
}

// ---- The network: only the gateway can be reached from outside

resource network 'Microsoft.Network/virtualNetworks@2024-05-01' = {
  name: name
  location: location
  properties: {
    addressSpace: {
      addressPrefixes: [
        '10.20.0.0/16'
      ]
    }
    subnets: [
      {
        name: 'apps'
        properties: {
          addressPrefix: '10.20.0.0/23'
          delegations: [
            {
              name: 'apps'
              properties: {
                serviceName: 'Microsoft.App/environments'
              }
            }
          ]
        }
      }
      {
        name: 'database'
        properties: {
          addressPrefix: '10.20.2.0/28'
          delegations: [
            {
              name: 'database'
              properties: {
                serviceName: 'Microsoft.DBforPostgreSQL/flexibleServers'
              }
            }
          ]
        }
      }
      {
        name: 'endpoints'
        properties: {
          addressPrefix: '10.20.3.0/27'
        }
      }
    ]
  }

  resource appsSubnet 'subnets' existing = {
    name: 'apps'
  }

  resource databaseSubnet 'subnets' existing = {
    name: 'database'
  }

  resource endpointsSubnet 'subnets' existing = {
    name: 'endpoints'
  }
}

resource databaseZone 'Microsoft.Network/privateDnsZones@2024-06-01' = {
  name: '${name}.private.postgres.database.azure.com'
  location: 'global'

  resource link 'virtualNetworkLinks' = {
    name: name
    location: 'global'
    properties: {
      registrationEnabled: false
      virtualNetwork: {
        id: network.id
      }
    }
  }
}

module storageLink 'private-link.bicep' = {
  name: '${name}-blob'
  params: {
    name: '${name}-blob'
    location: location
    serviceId: storage.id
    group: 'blob'
    zoneName: 'privatelink.blob.${environment().suffixes.storage}'
    networkId: network.id
    subnetId: network::endpointsSubnet.id
  }
}

module redisLink 'private-link.bicep' = {
  name: '${name}-redis'
  params: {
    name: '${name}-redis'
    location: location
    serviceId: redis.id
    group: 'redisEnterprise'
    zoneName: 'privatelink.redis.azure.net'
    networkId: network.id
    subnetId: network::endpointsSubnet.id
  }
}

// ---- Images, catalog and broker

resource storage 'Microsoft.Storage/storageAccounts@2024-01-01' = {
  name: take('${replace(name, '-', '')}${uniqueString(resourceGroup().id)}', 24)
  location: location
  kind: 'StorageV2'
  sku: {
    name: 'Standard_ZRS'
  }
  properties: {
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    allowBlobPublicAccess: false
    allowSharedKeyAccess: false
    publicNetworkAccess: 'Disabled'
    networkAcls: {
      defaultAction: 'Deny'
      bypass: 'AzureServices'
    }
  }

  resource blobs 'blobServices' = {
    name: 'default'
    properties: {
      deleteRetentionPolicy: {
        enabled: true
        days: 7
      }
    }

    resource container 'containers' = {
      name: 'pictures'
      properties: {
        publicAccess: 'None'
      }
    }
  }
}

resource postgres 'Microsoft.DBforPostgreSQL/flexibleServers@2024-08-01' = {
  name: '${name}-${uniqueString(resourceGroup().id)}'
  location: location
  sku: databaseSku
  properties: {
    version: '16'
    administratorLogin: 'imageferry'
    administratorLoginPassword: databasePassword
    storage: {
      storageSizeGB: 32
      autoGrow: 'Enabled'
    }
    backup: {
      backupRetentionDays: 7
      geoRedundantBackup: 'Disabled'
    }
    highAvailability: {
      mode: 'Disabled'
    }
    network: {
      delegatedSubnetResourceId: network::databaseSubnet.id
      privateDnsZoneArmResourceId: databaseZone.id
    }
  }
  dependsOn: [
    databaseZone::link
  ]

  resource catalog 'databases' = {
    name: 'imageferry'
    properties: {
      charset: 'UTF8'
      collation: 'en_US.utf8'
    }
  }
}

resource redis 'Microsoft.Cache/redisEnterprise@2025-07-01' = {
  name: '${name}-${uniqueString(resourceGroup().id)}'
  location: location
  sku: {
    name: redisSku
  }
  properties: {
    minimumTlsVersion: '1.2'
    publicNetworkAccess: 'Disabled'
  }

  // A broker must not evict messages, and its commands name keys of several slots.
  resource broker 'databases' = {
    name: 'default'
    properties: {
      clientProtocol: 'Encrypted'
      port: 10000
      clusteringPolicy: 'NoCluster'
      evictionPolicy: 'NoEviction'
      accessKeysAuthentication: 'Enabled'
      persistence: {
        aofEnabled: true
        aofFrequency: '1s'
      }
    }
  }
}

// ---- Where the apps run

resource logs 'Microsoft.OperationalInsights/workspaces@2023-09-01' = {
  name: name
  location: location
  properties: {
    sku: {
      name: 'PerGB2018'
    }
    retentionInDays: 30
  }
}

resource platform 'Microsoft.App/managedEnvironments@2025-01-01' = {
  name: name
  location: location
  properties: {
    appLogsConfiguration: {
      destination: 'log-analytics'
      logAnalyticsConfiguration: {
        customerId: logs.properties.customerId
        sharedKey: logs.listKeys().primarySharedKey
      }
    }
    vnetConfiguration: {
      infrastructureSubnetId: network::appsSubnet.id
    }
    workloadProfiles: [
      {
        name: 'Consumption'
        workloadProfileType: 'Consumption'
      }
    ]
  }
}

module apps 'apps.bicep' = {
  name: '${name}-apps'
  params: {
    name: name
    location: location
    platformId: platform.id
    identityId: identity.id
    registryServer: registry.properties.loginServer
    image: '${registry.properties.loginServer}/${image}'
    vaultUrl: vault.properties.vaultUri
    databaseUrl: 'postgresql://imageferry:${uriComponent(databasePassword)}@${postgres.properties.fullyQualifiedDomainName}:5432/${postgres::catalog.name}?sslmode=require'
    brokerUrl: 'rediss://:${uriComponent(redis::broker.listKeys().primaryKey)}@${redis.properties.hostName}:10000/0?ssl_cert_reqs=required'
    settings: {
      STORE_URL: 'az://${storage::blobs::container.name}'
      AZURE_STORAGE_ACCOUNT_NAME: storage.name
      AZURE_STORAGE_ENDPOINT: storage.properties.primaryEndpoints.blob
      AZURE_CLIENT_ID: identity.properties.clientId
      IMAGEFERRY_BATCHES_IN_FLIGHT: string(maxTransferReplicas * 4)
    }
    hostNames: hostNames
    defaultDomain: platform.properties.defaultDomain
    minTransferReplicas: minTransferReplicas
    maxTransferReplicas: maxTransferReplicas
  }
  // What the apps need as soon as they start.
  dependsOn: [
    pullsImages
    readsSecrets
    storesImages
    storageLink
    redisLink
  ]
}

@description('The gateway; sign in with the API token.')
output url string = apps.outputs.url
