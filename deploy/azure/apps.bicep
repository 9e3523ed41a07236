// The gateway, the workers, and the job that updates the catalog's schema. main.bicep creates what they use.

@description('Prefix of all names.')
param name string

@description('Where to create them.')
param location string

@description('ID of the Container Apps environment.')
param platformId string

@description('ID of the identity that pulls the image, reads the key vault and stores images.')
param identityId string

@description('Host of the registry, and image in it.')
param registryServer string

@description('The image, with registry and tag.')
param image string

@description('URL of the key vault, which has api-token and google-api-key.')
param vaultUrl string

@description('DATABASE_URL; scaling reads it too.')
@secure()
param databaseUrl string

@description('CELERY_BROKER_URL.')
@secure()
param brokerUrl string

@description('Other settings, of every role.')
param settings object

@description('Domain of the environment.')
param defaultDomain string

@description('Further names of the gateway, separated by commas.')
param hostNames string

@description('Transfer workers at least.')
param minTransferReplicas int

@description('Transfer workers at most.')
param maxTransferReplicas int

var identityOfApps = {
  type: 'UserAssigned'
  userAssignedIdentities: {
    '${identityId}': {}
  }
}
var registries = [
  {
    server: registryServer
    identity: identityId
  }
]
var apiToken = {
  name: 'api-token'
  keyVaultUrl: '${vaultUrl}secrets/api-token'
  identity: identityId
}
var googleApiKey = {
  name: 'google-api-key'
  keyVaultUrl: '${vaultUrl}secrets/google-api-key'
  identity: identityId
}
var gatewayName = '${name}-gateway'
var publicName = '${gatewayName}.${defaultDomain}'
var common = [for setting in items(settings): {
  name: setting.key
  value: setting.value
}]
var broker = {
  name: 'CELERY_BROKER_URL'
  secretRef: 'broker-url'
}
var catalog = {
  name: 'DATABASE_URL'
  secretRef: 'database-url'
}
var source = {
  name: 'GOOGLE_API_KEY'
  secretRef: 'google-api-key'
}
var health = {
  name: 'IMAGEFERRY_HEALTH_PORT'
  value: '8001'
}
var workers = [
  {
    role: 'crawl'
    env: [
      broker
      source
      catalog
      health
    ]
    cpu: '0.5'
    memory: '1Gi'
    minReplicas: 1
    maxReplicas: 2
    perReplica: '200'
    query: 'SELECT count(*) FROM job_folders JOIN jobs ON jobs.id = job_folders.job_id WHERE jobs.state IN (\'accepted\', \'running\', \'waiting\') AND job_folders.state IN (\'ready\', \'in_flight\')'
  }
  {
    role: 'transfer'
    env: [
      broker
      source
      health
    ]
    cpu: '1.0'
    memory: '2Gi'
    minReplicas: minTransferReplicas
    maxReplicas: maxTransferReplicas
    perReplica: '4'
    query: 'SELECT count(*) FROM batches JOIN jobs ON jobs.id = batches.job_id WHERE jobs.state IN (\'accepted\', \'running\', \'waiting\') AND batches.state IN (\'ready\', \'in_flight\')'
  }
  {
    role: 'record'
    env: [
      broker
      catalog
      health
    ]
    cpu: '0.5'
    memory: '1Gi'
    minReplicas: 1
    maxReplicas: 3
    perReplica: '40'
    query: 'SELECT count(*) FROM batches WHERE state = \'in_flight\''
  }
]

resource gateway 'Microsoft.App/containerApps@2025-01-01' = {
  name: gatewayName
  location: location
  identity: identityOfApps
  properties: {
    environmentId: platformId
    workloadProfileName: 'Consumption'
    configuration: {
      activeRevisionsMode: 'Single'
      registries: registries
      secrets: [
        apiToken
        googleApiKey
        {
          name: 'database-url'
          value: databaseUrl
        }
        {
          name: 'broker-url'
          value: brokerUrl
        }
      ]
      ingress: {
        external: true
        targetPort: 8000
        transport: 'auto'
        allowInsecure: false
      }
    }
    template: {
      terminationGracePeriodSeconds: 40
      containers: [
        {
          name: 'gateway'
          image: image
          args: [
            'serve'
          ]
          env: concat(common, [
            broker
            source
            catalog
            {
              name: 'IMAGEFERRY_API_TOKEN'
              secretRef: 'api-token'
            }
            {
              name: 'IMAGEFERRY_ALLOWED_HOSTS'
              value: empty(hostNames) ? publicName : '${publicName},${hostNames}'
            }
            {
              // The ingress: the subnet of the environment, and the addresses that Container Apps reserves.
              name: 'IMAGEFERRY_TRUSTED_PROXIES'
              value: '10.20.0.0/23,100.100.0.0/16'
            }
          ])
          resources: {
            cpu: json('0.5')
            memory: '1Gi'
          }
          probes: [
            {
              type: 'Startup'
              httpGet: {
                path: '/healthz'
                port: 8000
              }
              periodSeconds: 10
              failureThreshold: 10
            }
            {
              type: 'Liveness'
              httpGet: {
                path: '/healthz'
                port: 8000
              }
              periodSeconds: 15
              timeoutSeconds: 5
            }
            {
              type: 'Readiness'
              httpGet: {
                path: '/readyz'
                port: 8000
              }
              periodSeconds: 10
              timeoutSeconds: 5
            }
          ]
        }
      ]
      scale: {
        minReplicas: 1
        maxReplicas: 3
        rules: [
          {
            name: 'requests'
            http: {
              metadata: {
                concurrentRequests: '50'
              }
            }
          }
        ]
      }
    }
  }
}

resource workerApps 'Microsoft.App/containerApps@2025-01-01' = [for worker in workers: {
  name: '${name}-${worker.role}'
  location: location
  identity: identityOfApps
  properties: {
    environmentId: platformId
    workloadProfileName: 'Consumption'
    configuration: {
      activeRevisionsMode: 'Single'
      registries: registries
      secrets: [
        googleApiKey
        {
          name: 'database-url'
          value: databaseUrl
        }
        {
          name: 'broker-url'
          value: brokerUrl
        }
      ]
    }
    template: {
      terminationGracePeriodSeconds: 40
      containers: [
        {
          name: worker.role
          image: image
          args: [
            'work'
            '--role'
            worker.role
            '--processes'
            '2'
          ]
          env: concat(common, worker.env)
          resources: {
            cpu: json(worker.cpu)
            memory: worker.memory
          }
          probes: [
            {
              type: 'Startup'
              httpGet: {
                path: '/health'
                port: 8001
              }
              periodSeconds: 10
              failureThreshold: 10
            }
            {
              type: 'Liveness'
              httpGet: {
                path: '/health'
                port: 8001
              }
              periodSeconds: 15
              timeoutSeconds: 5
            }
            {
              type: 'Readiness'
              httpGet: {
                path: '/readyz'
                port: 8001
              }
              periodSeconds: 10
              timeoutSeconds: 5
            }
          ]
        }
      ]
      scale: {
        minReplicas: worker.minReplicas
        maxReplicas: worker.maxReplicas
        rules: [
          {
            // All that is left, not what the broker holds: IMAGEFERRY_BATCHES_IN_FLIGHT bounds that.
            name: 'work'
            custom: {
              type: 'postgresql'
              metadata: {
                query: worker.query
                targetQueryValue: worker.perReplica
              }
              auth: [
                {
                  secretRef: 'database-url'
                  triggerParameter: 'connection'
                }
              ]
            }
          }
        ]
      }
    }
  }
}]

resource migrate 'Microsoft.App/jobs@2025-01-01' = {
  name: '${name}-migrate'
  location: location
  identity: identityOfApps
  properties: {
    environmentId: platformId
    workloadProfileName: 'Consumption'
    configuration: {
      triggerType: 'Manual'
      replicaTimeout: 1800
      replicaRetryLimit: 1
      registries: registries
      secrets: [
        {
          name: 'database-url'
          value: databaseUrl
        }
      ]
    }
    template: {
      containers: [
        {
          name: 'migrate'
          image: image
          args: [
            'migrate'
          ]
          env: [
            catalog
          ]
          resources: {
            cpu: json('0.25')
            memory: '0.5Gi'
          }
        }
      ]
    }
  }
}

@description('The gateway.')
output url string = 'https://${publicName}'
